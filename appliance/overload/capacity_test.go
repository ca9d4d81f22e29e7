package overload

import (
	"strings"
	"testing"
)

func TestCapacityOf(t *testing.T) {
	most := Capacity{Calls: 10_000, Registrations: 20_000}
	for name, tt := range map[string]struct {
		processors int
		memory     uint64
		calls      int
		regs       int
		says       string
	}{
		"the card's machine": {2, 1 << 30, 4000, 12_288, "2 processors and 1024 MiB of memory"},
		"a large one":        {16, 64 << 30, 10_000, 20_000, "10000 and 20000 in all"},
		"little memory":      {8, 300 << 20, 4800, 3600, "300 MiB"},
		"hardly any":         {1, 1 << 20, 2000, 3072, "1 MiB"},
		"does not tell":      {4, 0, 8000, 12_288, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			c := CapacityOf(tt.processors, tt.memory, most)
			if c.Calls != tt.calls || c.Registrations != tt.regs || !strings.Contains(c.Basis, tt.says) {
				t.Errorf("%+v; want %d calls, %d registrations, %q", c, tt.calls, tt.regs, tt.says)
			}
		})
	}
	if c := ThisMachine(most); c.Calls < 256 || c.Registrations < 256 || c.Calls > most.Calls {
		t.Errorf("this machine: %+v", c)
	}
}
