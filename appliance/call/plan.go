package call

import (
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// Plan is what a Watch needs of a configuration.
type Plan struct {
	Warning int // percent of a capacity from which there is an alarm; 0: never
	Pairs   int // of media ports

	NoBandwidth bool // no media at all
	Bandwidth   int  // kbit/s that media may take; 0: any
}

// PlanOf reads a configuration.
func PlanOf(snap *config.Snapshot) Plan {
	p := Plan{
		Warning: snap.Int(xapi.ResourceWarningLevel),
		Pairs:   (snap.Int(xapi.MediaPortEnd) - snap.Int(xapi.MediaPortStart) + 1) / 2,
	}
	switch snap.Enum(xapi.BandwidthMode) {
	case "NoBandwidth":
		p.NoBandwidth = true
	case "Limited":
		p.Bandwidth = snap.Int(xapi.BandwidthLimit)
	}
	return p
}
