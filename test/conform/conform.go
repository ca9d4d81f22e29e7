// Package conform holds published torture messages and what a correct proxy does
// with each: RFC 4475's forty-nine and RFC 5118's twelve for IPv6. Its own test
// holds the message gate to the table; whoever has a proxy can hold that to the
// same table.
//
// RFC 4475's bytes are read from the sipgo module, where they come as files, and
// checked against the RFC's list; RFC 5118's are in testdata, written after the
// RFC's description.
package conform

import (
	"fmt"
	"strings"
)

// What a proxy does with a message, where it is not the status of its answer.
const (
	Forwarded = 0
	Dropped   = -1 // a response that nobody waits for, or that cannot be read
)

// Case is one message and its proper fate.
type Case struct {
	Name    string // as the RFC calls it: "wsinv"
	Section string // "4475 3.1.1.1"
	About   string // what is odd about it
	Gate    int    // status of sip.Parse's Fault; 0 if the message is let in
	Final   int    // Forwarded, Dropped or the status of the proxy's own answer, policy aside
	Says    string // part of the Fault's reason: the field at fault
	Bytes   []byte
}

func pass(section, name, about string) Case {
	return Case{Name: name, Section: section, About: about}
}

func refuse(section, name string, status int, says, about string) Case {
	return Case{Name: name, Section: section, About: about, Gate: status, Final: status, Says: says}
}

// then is the fate of a message that passes the gate and is not forwarded, or of
// a faulty one that is not answered.
func (c Case) then(final int) Case {
	c.Final = final
	return c
}

// Torture is RFC 4475, in its order.
func Torture() ([]Case, error) {
	dir, err := sipgoTorture()
	if err != nil {
		return nil, err
	}
	cases := tortureTable()
	for i := range cases {
		if cases[i].Bytes, err = readTorture(dir, cases[i].Name); err != nil {
			return nil, err
		}
	}
	return cases, nil
}

// IPv6 is RFC 5118, in its order.
func IPv6() ([]Case, error) {
	files, err := readArchive("testdata/rfc5118.txtar")
	if err != nil {
		return nil, err
	}
	cases := ipv6Table()
	for i := range cases {
		text, ok := files[cases[i].Name]
		if !ok {
			return nil, fmt.Errorf("rfc5118.txtar lacks %s", cases[i].Name)
		}
		cases[i].Bytes = wire(text)
	}
	return cases, nil
}

// wire gives a message its line ends, and its Content-Length where it says "*".
func wire(text string) []byte {
	text = strings.ReplaceAll(text, "\n", "\r\n")
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	head = strings.Replace(head, "Content-Length: *", fmt.Sprint("Content-Length: ", len(body)), 1)
	return []byte(head + "\r\n\r\n" + body)
}
