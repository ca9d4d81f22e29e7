// Package nic makes the machine's network what a Plan says: addresses, DHCP,
// VLANs, MTU, speed, routes, and the host firewall. Applying a plan twice
// changes nothing the second time, and what an earlier plan made and this one
// lacks is taken away.
//
// The node's process calls it on the appliance's own firmware; on somebody
// else's machine the network is theirs. It is the only package that speaks
// netlink, nftables and DHCP.
package nic
