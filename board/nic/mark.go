package nic

import (
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Mark is how packets that the machine sends are marked for the networks that
// carry them: those from, or to, some ports, or all that have no mark yet.
type Mark struct {
	Protocol    string // "tcp", "udp"; empty: whatever has no mark
	First, Last int    // ports; Last 0 is First
	DSCP        int    // 0..63
}

// addMarks makes the chain that marks. The first mark that fits counts.
func addMarks(c *nftables.Conn, t *nftables.Table, marks []Mark) {
	if len(marks) == 0 {
		return
	}
	out := c.AddChain(&nftables.Chain{
		Name: "output", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityMangle,
	})
	for _, m := range marks {
		if m.Protocol == "" {
			for _, e := range [][]expr.Any{append(unmarked4(), dscp4(m.DSCP)...), append(unmarked6(), dscp6(m.DSCP)...)} {
				c.AddRule(&nftables.Rule{Table: t, Chain: out, Exprs: e})
			}
			continue
		}
		for _, offset := range []uint32{0, 2} { // source, destination
			for _, write := range []func(int) []expr.Any{dscp4, dscp6} {
				e := append(m.fits(offset), write(m.DSCP)...)
				c.AddRule(&nftables.Rule{Table: t, Chain: out, Exprs: append(e, verdict(expr.VerdictAccept))})
			}
		}
	}
}

// fits compares one of the two ports.
func (m Mark) fits(offset uint32) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, equal([]byte{protocol(m.Protocol)}),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2},
		&expr.Range{Op: expr.CmpOpEq, Register: 1, FromData: port(m.First), ToData: port(max(m.First, m.Last))},
	}
}

// dscp4 writes the upper six bits of the second byte of an IPv4 header, and its
// checksum.
func dscp4(n int) []expr.Any {
	return dscp(unix.NFPROTO_IPV4, []byte{0xFF, 0x03}, []byte{0, byte(n << 2)},
		&expr.Payload{OperationType: expr.PayloadWrite, SourceRegister: 1, Base: expr.PayloadBaseNetworkHeader, Len: 2, CsumType: expr.CsumTypeInet, CsumOffset: 10})
}

// dscp6 writes six bits in the middle of an IPv6 header's first two bytes.
func dscp6(n int) []expr.Any {
	return dscp(unix.NFPROTO_IPV6, []byte{0xF0, 0x3F}, []byte{byte(n >> 2), byte(n << 6)},
		&expr.Payload{OperationType: expr.PayloadWrite, SourceRegister: 1, Base: expr.PayloadBaseNetworkHeader, Len: 2})
}

func dscp(family byte, mask, value []byte, write *expr.Payload) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, equal([]byte{family}),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Len: 2},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 2, Mask: mask, Xor: value},
		write,
	}
}

// unmarked4 and unmarked6 fit packets whose six bits are zero.
func unmarked4() []expr.Any { return unmarked(unix.NFPROTO_IPV4, []byte{0x00, 0xFC}) }
func unmarked6() []expr.Any { return unmarked(unix.NFPROTO_IPV6, []byte{0x0F, 0xC0}) }

func unmarked(family byte, mask []byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, equal([]byte{family}),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Len: 2},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 2, Mask: mask, Xor: []byte{0, 0}},
		equal([]byte{0, 0}),
	}
}

func protocol(name string) byte {
	return map[string]byte{"tcp": unix.IPPROTO_TCP, "udp": unix.IPPROTO_UDP}[name]
}
