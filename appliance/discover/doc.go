// Package discover asks the publishers of UC clusters what there is: nodes and
// what runs on them, versions, security modes, domains, certificates and the
// keys of access tokens.
//
// A Discoverer belongs to core. Apply takes the publishers that are configured;
// Run asks them on a schedule and probes whether the nodes answer. What was
// found lasts in package state, so that a node that starts while a publisher is
// down knows its world. Facts and Servers are what the topology and the
// automatic zones are made of; OnChange tells core that they are new. Commands
// of the shell call Ask for a publisher that is to be added, Refresh and
// Preflight.
//
// Unified CM and presence publishers speak AXL (SOAP), voicemail has a REST
// interface. Every answer is read tolerantly, by local names, and bounded.
package discover
