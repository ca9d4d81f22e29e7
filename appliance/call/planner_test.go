package call

import "testing"

func TestEstimate(t *testing.T) {
	for _, c := range []struct {
		name        string
		load        Load
		most, pairs int
		want        Cost
		fits        bool
	}{
		{"nobody recorded", Load{100, 0, "G711", false}, 1000, 12000, Cost{0, 100, 216, 87, 8640, 8640, 100, 1000}, true},
		{"all recorded: a third of the calls", Load{100, 100, "G711", false}, 1000, 12000, Cost{100, 300, 216, 87, 25920, 8640, 300, 333}, true},
		{"half of them", Load{101, 50, "G711", false}, 1000, 12000, Cost{51, 203, 216, 87, 17540, 8727, 203, 500}, true},
		{"low rate, IPv6", Load{10, 100, "G729", true}, 1000, 12000, Cost{10, 30, 96, 39, 1152, 384, 30, 333}, true},
		{"ports are the bound", Load{100, 100, "Opus", false}, 1000, 150, Cost{100, 300, 136, 55, 16320, 5440, 300, 50}, false},
		{"none at all", Load{0, 100, "G722", false}, 1000, 150, Cost{0, 0, 216, 87, 0, 0, 0, 50}, true},
	} {
		got, err := Estimate(c.load, c.most, c.pairs)
		if err != nil || got != c.want || got.Fits(c.load) != c.fits {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
	for _, bad := range []Load{{1, 101, "G711", false}, {1, -1, "G711", false}, {-1, 0, "G711", false}, {1, 0, "Morse", false}} {
		if _, err := Estimate(bad, 1, 1); err == nil {
			t.Errorf("%+v has an estimate", bad)
		}
	}
}
