package uc

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// FcmFlag is what edge's switch for push through Google's service should be.
type FcmFlag string

// The verdicts of the guide's solution matrix (Table 1), and what a mix of
// versions gets that the table does not list.
const (
	FcmOff       FcmFlag = "Off"
	FcmOn        FcmFlag = "On"
	FcmNotNeeded FcmFlag = "NotRequired"
	FcmUnknown   FcmFlag = "Unknown"
)

// FcmAdvice is the verdict on a set of presence nodes.
type FcmAdvice struct {
	Flag FcmFlag
	Why  string // a sentence for an administrator
}

// presenceLevel is how far a presence release is with push for Android.
type presenceLevel uint8

const (
	eleven8      presenceLevel = 1 << iota // 11.5(1) SU8 and lower
	eleven9                                // 11.5(1) SU9 and higher
	twelve2                                // 12.5(1) SU2 and lower
	twelve3                                // 12.5(1) SU3
	twelve4                                // 12.5(1) SU4 and higher
	anotherLevel                           // no release that the table knows
)

// matrix is Table 1 of the guide's chapter on push notifications: releases of
// one side mixed with releases of the other.
var matrix = [...]struct {
	one, other presenceLevel
	flag       FcmFlag
	why        string
}{
	{eleven8 | eleven9, twelve2, FcmOff, "no node can push to Android"},
	{eleven8 | twelve2, twelve3, FcmOff, "no node can push to Android while such old ones are there"},
	{eleven8 | twelve2, twelve4, FcmOff, "only nodes of 12.5(1) SU4 and higher push to Android"},
	{eleven9 | twelve4, twelve3, FcmOn, "every node of 12.5(1) pushes to Android"},
	{eleven9, twelve4, FcmNotNeeded, "edge and nodes of 12.5(1) SU4 and higher agree by themselves"},
}

// AdviseFcm tells from the versions of all presence nodes, as they write them
// ("12.5.1.13900-17"), what the switch should be. It is a pure function.
func AdviseFcm(versions []string) FcmAdvice {
	var mix presenceLevel
	for _, v := range versions {
		l := levelOf(v)
		if l == anotherLevel {
			return FcmAdvice{FcmUnknown, fmt.Sprintf("%q is a release that the solution matrix does not know", v)}
		}
		mix |= l
	}
	for _, row := range matrix {
		if mix&row.one != 0 && mix&row.other != 0 && mix&^(row.one|row.other) == 0 {
			return FcmAdvice{row.flag, row.why}
		}
	}
	if mix == 0 {
		return FcmAdvice{FcmUnknown, "no presence node is known"}
	}
	return FcmAdvice{FcmUnknown, "the solution matrix does not list this mix of releases: " + strings.Join(releases(versions), ", ")}
}

// releases lists versions as people call them, each once.
func releases(versions []string) (out []string) {
	for _, v := range versions {
		name := v
		if major, minor, su, ok := release(v); ok {
			name = fmt.Sprintf("%d.%d(1) SU%d", major, minor, su)
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func levelOf(version string) presenceLevel {
	major, minor, su, ok := release(version)
	switch {
	case !ok || minor != 5:
		return anotherLevel
	case major == 11 && su <= 8:
		return eleven8
	case major == 11:
		return eleven9
	case major == 12 && su <= 2:
		return twelve2
	case major == 12 && su == 3:
		return twelve3
	case major == 12:
		return twelve4
	}
	return anotherLevel
}

// builds are how the two forms of a version look: as a node tells it, and as
// people write it.
var (
	buildForm  = regexp.MustCompile(`^(\d{1,2})\.(\d{1,2})\.1\.(\d{5})\b`)
	peopleForm = regexp.MustCompile(`^(\d{1,2})\.(\d{1,2})\(1\)(?:\s*SU(\d{1,2}))?$`)
)

// release reads major and minor release and service update. A build number of
// 10000 is the first release, each service update adds 1000, and those from the
// ninth on 2000 more.
func release(version string) (major, minor, su int, ok bool) {
	if m := peopleForm.FindStringSubmatch(version); m != nil {
		return number(m[1]), number(m[2]), number(m[3]), true
	}
	m := buildForm.FindStringSubmatch(version)
	if m == nil {
		return 0, 0, 0, false
	}
	su = number(m[3])/1000 - 10
	if su > 8 {
		su = max(su-2, 8)
	}
	return number(m[1]), number(m[2]), su, su >= 0
}

// number is a few digits' value; none is 0.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
