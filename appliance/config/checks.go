package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"sallyport/appliance/xapi"
)

// tableChecks are the rules that the values alone must keep, whatever planes
// there are. Further ones come with Options.
func tableChecks() []Check {
	return []Check{
		order(xapi.MediaPortStart, xapi.MediaPortEnd),
		order(xapi.SIPTCPOutboundStart, xapi.SIPTCPOutboundEnd),
		unique(xapi.ZoneName), unique(xapi.SIPDomainName), unique(xapi.RuleName),
		unique(xapi.AdminAccountName), unique(xapi.DeploymentName),
		clientPorts, demuxPorts, patterns,
	}
}

// order wants low not to lie above high.
func order(low, high xapi.Int) Check {
	return func(sn *Snapshot) error {
		l, h := sn.Int(low), sn.Int(high)
		if l <= h {
			return nil
		}
		return fmt.Errorf("%s (%d) lies above %s (%d); set both on one line", low.Path, l, high.Path, h)
	}
}

// unique wants no two entries of a list to have the same text, however spelled.
func unique(h xapi.Str) Check {
	return func(sn *Snapshot) error {
		var errs []error
		first := map[string]int{}
		for _, n := range sn.Indexes(h.Item) {
			text := strings.ToLower(sn.Str(h, n))
			if text == "" {
				continue
			}
			if m, taken := first[text]; taken {
				errs = append(errs, fmt.Errorf("%s: %q is already taken by %s", h.At(n), sn.Str(h, n), h.At(m)))
				continue
			}
			first[text] = n
		}
		return errors.Join(errs...)
	}
}

// clientPorts wants TCP and TLS, which listen on the same addresses, to differ.
func clientPorts(sn *Snapshot) error {
	both := sn.Bool(xapi.SIPTCPMode) && sn.Bool(xapi.SIPTLSMode)
	if tcp := sn.Int(xapi.SIPTCPPort); both && tcp == sn.Int(xapi.SIPTLSPort) {
		return fmt.Errorf("%s and %s are both %d", xapi.SIPTCPPort.Path, xapi.SIPTLSPort.Path, tcp)
	}
	return nil
}

func demuxPorts(sn *Snapshot) error {
	if rtp := sn.Int(xapi.MediaDemuxRTPPort); rtp == sn.Int(xapi.MediaDemuxRTCPPort) {
		return fmt.Errorf("%s and %s are both %d", xapi.MediaDemuxRTPPort.Path, xapi.MediaDemuxRTCPPort.Path, rtp)
	}
	return nil
}

// patterns wants the pattern of a regular expression rule to be one.
func patterns(sn *Snapshot) error {
	var errs []error
	for _, n := range sn.Indexes(xapi.RuleName.Item) {
		if sn.Enum(xapi.RulePatternType, n) != "Regex" {
			continue
		}
		if _, err := regexp.Compile(sn.Str(xapi.RulePattern, n)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", xapi.RulePattern.At(n), err))
		}
	}
	return errors.Join(errs...)
}
