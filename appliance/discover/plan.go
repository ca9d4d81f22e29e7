package discover

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// Plan is whom to ask, and how often.
type Plan struct {
	Sources []Source
	Refresh time.Duration
	Probe   time.Duration
}

// PlanFrom reads the publishers of a snapshot. An error names entries that are
// left out; the rest can be applied.
func PlanFrom(snap *config.Snapshot) (Plan, error) {
	p := Plan{
		Refresh: time.Duration(snap.Int(xapi.DiscoveryRefresh)) * time.Minute,
		Probe:   time.Duration(snap.Int(xapi.DiscoveryProbe)) * time.Second,
	}
	var errs []error
	seen := map[string]bool{}
	for _, rows := range Rows() {
		for _, i := range snap.Indexes(rows.Address.Item) {
			s, err := rows.Source(snap, i)
			switch {
			case s.Publisher == "":
				continue
			case seen[s.key()]:
				err = fmt.Errorf("%s is there twice", s)
			}
			if err != nil {
				errs = append(errs, err)
				continue
			}
			seen[s.key()] = true
			p.Sources = append(p.Sources, s)
		}
	}
	return p, errors.Join(errs...)
}

// SourceRows are the rows of one kind of publisher.
type SourceRows struct {
	Kind       uc.NodeType
	List       string // what the entries are called
	Address    xapi.Str
	User       xapi.Str
	Password   xapi.Secret
	Unverified xapi.Bool
	Deployment xapi.Int
}

// Rows lists the rows of all kinds.
func Rows() []SourceRows {
	return []SourceRows{
		{uc.UnifiedCM, "CollaborationEdge CUCM", xapi.CUCMAddress, xapi.CUCMUser, xapi.CUCMPassword, xapi.CUCMUnverified, xapi.CUCMDeployment},
		{uc.IMPresence, "CollaborationEdge IMP", xapi.IMPAddress, xapi.IMPUser, xapi.IMPPassword, xapi.IMPUnverified, xapi.IMPDeployment},
		{uc.UnityConnection, "CollaborationEdge Ucxn", xapi.UcxnAddress, xapi.UcxnUser, xapi.UcxnPassword, xapi.UcxnUnverified, xapi.UcxnDeployment},
	}
}

// Source reads one entry.
func (r SourceRows) Source(snap *config.Snapshot, i int) (Source, error) {
	s := Source{
		Kind: r.Kind, Publisher: uc.Canonical(snap.Str(r.Address, i)), User: snap.Str(r.User, i), Password: snap.Secret(r.Password, i),
		Verify: !snap.Bool(r.Unverified, i), Deployment: snap.Int(r.Deployment, i), Refresh: "Auto",
	}
	if r.Kind != uc.UnifiedCM {
		return s, nil
	}
	s.Refresh, s.Keys = snap.Enum(xapi.CUCMRefreshFlow, i), snap.Str(xapi.CUCMKeyPath, i)
	if s.Keys != "" && !validPath(s.Keys) {
		return s, fmt.Errorf("%s: AuthzKeyPath %q is no path such as /ssosp/keys", s, s.Keys)
	}
	return s, nil
}

// validPath keeps out what a URL could not hold, or what would lead elsewhere.
func validPath(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' || r == '#' })
}

// Check refuses publishers that are there twice, or in deployments that do not
// exist. It is a part of core's config.Check.
func Check(snap *config.Snapshot, top *uc.Topology) error {
	p, err := PlanFrom(snap)
	errs := []error{err}
	for _, s := range p.Sources {
		if !top.Exists(s.Deployment) {
			errs = append(errs, fmt.Errorf("%s is in deployment %d, which does not exist", s, s.Deployment))
		}
	}
	return errors.Join(errs...)
}

// Fits refuses a publisher before it is asked that could not be configured
// anyhow.
func Fits(snap *config.Snapshot, top *uc.Topology, s Source) error {
	if !top.Exists(s.Deployment) {
		return fmt.Errorf("there is no deployment %d", s.Deployment)
	}
	of, known := top.OfHost(s.Publisher)
	if p, err := PlanFrom(snap); err == nil {
		for _, have := range p.Sources {
			known = known && have.key() != s.key() // that may move
		}
	}
	if known && of != s.Deployment {
		return fmt.Errorf("%s is a node of deployment %s already", s.Publisher, top.Name(of))
	}
	return nil
}
