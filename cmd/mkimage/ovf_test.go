package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// ovfFile is what an importer takes from a descriptor, by the names and name
// spaces of DSP0243 and of the CIM schema.
type ovfFile struct {
	XMLName xml.Name `xml:"http://schemas.dmtf.org/ovf/envelope/1 Envelope"`
	Files   []struct {
		ID   string `xml:"http://schemas.dmtf.org/ovf/envelope/1 id,attr"`
		Href string `xml:"http://schemas.dmtf.org/ovf/envelope/1 href,attr"`
	} `xml:"http://schemas.dmtf.org/ovf/envelope/1 References>File"`
	Disks []struct {
		ID   string `xml:"http://schemas.dmtf.org/ovf/envelope/1 diskId,attr"`
		File string `xml:"http://schemas.dmtf.org/ovf/envelope/1 fileRef,attr"`
	} `xml:"http://schemas.dmtf.org/ovf/envelope/1 DiskSection>Disk"`
	Networks []struct {
		Name string `xml:"http://schemas.dmtf.org/ovf/envelope/1 name,attr"`
	} `xml:"http://schemas.dmtf.org/ovf/envelope/1 NetworkSection>Network"`
	Items []ovfItem `xml:"http://schemas.dmtf.org/ovf/envelope/1 VirtualSystem>VirtualHardwareSection>Item"`
}

type ovfItem struct {
	Fields []struct {
		XMLName xml.Name
		Text    string `xml:",chardata"`
	} `xml:",any"`
}

func (i ovfItem) get(name string) string {
	for _, f := range i.Fields {
		if f.XMLName.Local == name {
			return f.Text
		}
	}
	return ""
}

// TestOVFDescriptor holds the descriptor to what its schema demands and well
// formed text does not show: each reference leads somewhere, instances are
// numbered once, and the fields of an item stand in the schema's order, which is
// the alphabet's.
func TestOVFDescriptor(t *testing.T) {
	var ovf ovfFile
	d := xml.NewDecoder(strings.NewReader(fmt.Sprintf(ovfText, diskName, 1, 2)))
	d.Strict = true
	if err := d.Decode(&ovf); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Token(); err != io.EOF && err != nil {
		t.Error(err)
	}
	if len(ovf.Files) != 1 || len(ovf.Disks) != 1 || len(ovf.Networks) != 2 || len(ovf.Items) != 6 {
		t.Fatalf("%+v", ovf)
	}
	if ovf.Files[0].Href != diskName || ovf.Disks[0].File != ovf.Files[0].ID {
		t.Errorf("%+v %+v", ovf.Files, ovf.Disks)
	}
	instances, networks := map[string]bool{}, 0
	for _, i := range ovf.Items {
		const rasd = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
		var names []string
		for _, f := range i.Fields {
			names = append(names, f.XMLName.Local)
			if f.XMLName.Space != rasd {
				t.Errorf("%s is of %s", f.XMLName.Local, f.XMLName.Space)
			}
		}
		if !slices.IsSorted(names) {
			t.Errorf("out of order: %v", names)
		}
		id, parent := i.get("InstanceID"), i.get("Parent")
		if id == "" || instances[id] || parent != "" && !instances[parent] {
			t.Errorf("instance %q below %q", id, parent)
		}
		instances[id] = true
		if host := i.get("HostResource"); host != "" && host != "ovf:/disk/"+ovf.Disks[0].ID {
			t.Errorf("disk of %q", host)
		}
		if i.get("ResourceType") == "10" {
			if c := i.get("Connection"); c != ovf.Networks[networks].Name {
				t.Errorf("an interface on %q", c)
			}
			networks++
		}
	}
	if networks != 2 {
		t.Errorf("%d interfaces", networks)
	}
	// A hypervisor of the hardware's version must know the system's name.
	if !strings.Contains(ovfText, "vmx-13") || !strings.Contains(ovfText, `vmw:osType="other3xLinux64Guest"`) {
		t.Error("hardware of that version knows no such system")
	}
}
