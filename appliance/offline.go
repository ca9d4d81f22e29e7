package appliance

import (
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// EditOffline changes the configuration in the data directory of a node that
// does not run: what recovery does. Like every change it is a revision in the
// journal. It needs nothing but the store, so it works while certificates,
// network or state are broken.
func EditOffline(dir string, role xapi.Role, who config.Who, f func(*config.Edit) error) error {
	n := &Node{cfg: Config{Role: role, Dir: dir}}
	key, err := n.secret("seal.key", 32)
	if err != nil {
		return err
	}
	s, err := config.Open(n.path("config.db"), config.Options{Role: role, SealKey: key, Checks: checks(role)})
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.Edit(who, f)
	return err
}
