package main

import (
	"archive/tar"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Names in an OVA. The descriptor must come first.
const (
	ovfName  = "sallyport.ovf"
	manifest = "sallyport.mf"
	diskName = "sallyport.vmdk"
)

// ova writes a virtual machine that hypervisors import as one file: a tar of
// the descriptor, the hashes and the disk (DMTF DSP0243). The machine starts by
// UEFI and has two interfaces, the outer first.
func ova(out, raw *os.File, size int64) error {
	disk, err := os.CreateTemp(filepath.Dir(out.Name()), ".mkimage-")
	if err != nil {
		return err
	}
	defer os.Remove(disk.Name())
	defer disk.Close()
	if err := vmdk(disk, raw, size); err != nil {
		return err
	}
	length, sum, err := fingerprint(disk)
	if err != nil {
		return err
	}
	ovf := fmt.Appendf(nil, ovfText, diskName, length, size)
	mf := fmt.Appendf(nil, "SHA256(%s)= %x\nSHA256(%s)= %x\n", ovfName, sha256.Sum256(ovf), diskName, sum)
	t := tar.NewWriter(out)
	put := func(name string, length int64, write func(io.Writer) error) error {
		h := &tar.Header{Name: name, Mode: 0o644, Size: length, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		return write(t)
	}
	bytesOf := func(b []byte) func(io.Writer) error {
		return func(w io.Writer) error { _, err := w.Write(b); return err }
	}
	if err := put(ovfName, int64(len(ovf)), bytesOf(ovf)); err != nil {
		return err
	}
	if err := put(manifest, int64(len(mf)), bytesOf(mf)); err != nil {
		return err
	}
	if _, err := disk.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := put(diskName, length, func(w io.Writer) error { _, err := io.Copy(w, disk); return err }); err != nil {
		return err
	}
	return t.Close()
}

// ovfText takes the disk's file, its length there, and its capacity.
const ovfText = `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
  xmlns:vmw="http://www.vmware.com/schema/ovf">
  <References><File ovf:id="disk-file" ovf:href="%s" ovf:size="%d"/></References>
  <DiskSection><Info>The disk</Info>
    <Disk ovf:diskId="disk" ovf:fileRef="disk-file" ovf:capacity="%d" ovf:capacityAllocationUnits="byte"
      ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
  </DiskSection>
  <NetworkSection><Info>The networks</Info>
    <Network ovf:name="LAN 1"><Description>First interface; of an edge the one outside</Description></Network>
    <Network ovf:name="LAN 2"><Description>Second interface</Description></Network>
  </NetworkSection>
  <VirtualSystem ovf:id="sallyport"><Info>Mobile and remote access edge or core</Info>
    <Name>sallyport</Name>
    <OperatingSystemSection ovf:id="101" vmw:osType="other3xLinux64Guest"><Info>Linux, 64 bit</Info></OperatingSystemSection>
    <VirtualHardwareSection><Info>Two processors, 1 GB</Info>
      <System><vssd:ElementName>Hardware</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>sallyport</vssd:VirtualSystemIdentifier><vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
      <Item><rasd:AllocationUnits>hertz * 10^6</rasd:AllocationUnits><rasd:ElementName>Processors</rasd:ElementName>
        <rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
      <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:ElementName>Memory</rasd:ElementName>
        <rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>1024</rasd:VirtualQuantity></Item>
      <Item><rasd:Address>0</rasd:Address><rasd:ElementName>SATA controller</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID>
        <rasd:ResourceSubType>vmware.sata.ahci</rasd:ResourceSubType><rasd:ResourceType>20</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>Disk</rasd:ElementName><rasd:HostResource>ovf:/disk/disk</rasd:HostResource>
        <rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>1</rasd:AddressOnParent><rasd:AutomaticAllocation>true</rasd:AutomaticAllocation><rasd:Connection>LAN 1</rasd:Connection>
        <rasd:ElementName>LAN 1</rasd:ElementName><rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>2</rasd:AddressOnParent><rasd:AutomaticAllocation>true</rasd:AutomaticAllocation><rasd:Connection>LAN 2</rasd:Connection>
        <rasd:ElementName>LAN 2</rasd:ElementName><rasd:InstanceID>6</rasd:InstanceID><rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
      <vmw:Config ovf:required="false" vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="false"/>
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
`
