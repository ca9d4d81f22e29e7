package discover

import (
	"context"
	"errors"
	"io"
	"net/http"

	"sallyport/appliance/uc"
)

// askVoicemail asks a Unity Connection server by its REST interface.
func (d *Discoverer) askVoicemail(ctx context.Context, w *web, f *Found) error {
	ask := func(path, parent string, open bool) ([]record, error) {
		r := request{method: http.MethodGet, path: path, header: http.Header{"Accept": {"application/xml"}}, name: path, open: open}
		return w.do(ctx, r, func(in io.Reader) ([]record, error) {
			all, fault, err := readRecords(in, parent)
			if fault != nil {
				err = fault
			}
			return all, err
		})
	}
	version, err := ask("/vmrest/version", "VersionInformation", true)
	if err != nil {
		return err
	}
	for _, r := range version {
		if r.name == "version" {
			f.Version = r.get("")
		}
	}
	if !newer(f.Version, "1") {
		return errors.New("the answer is not one of Unity Connection")
	}
	servers, err := ask("/vmrest/cluster", "VmsServers", false)
	if err != nil {
		return err
	}
	for _, r := range servers {
		host := uc.Canonical(r.get("HostName"))
		if host == "" {
			host = uc.Canonical(r.get("IpAddress"))
		}
		if host == "" || !validHost(host) || f.node(host) != nil {
			continue
		}
		f.Nodes = append(f.Nodes, Node{
			Host: host, Version: f.Version, Publisher: r.get("ClusterMemberId") == "0", Types: []uc.NodeType{uc.UnityConnection},
		})
	}
	if len(f.Nodes) == 0 {
		return errors.New("it lists no server")
	}
	f.sort()
	return nil
}
