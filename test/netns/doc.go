// Package netns builds small networks out of Linux network namespaces, with a
// real firewall between them, and runs real SIP peers in them: Kamailio as
// registrar and baresip as phones, whose recordings are listened to. Its tests
// put sallyport between those peers as an operator would.
//
// It needs root and the packages of scripts/setup.sh; without them its tests
// skip and say why. Every namespace and process belongs to a Net and goes with
// it, and what a killed test left behind is swept by the next one.
package netns
