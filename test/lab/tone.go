package lab

import "math"

// Tone is the strongest frequency heard and the share of the whole power that
// it holds: near 1 for a clean sine, near 0 for noise or silence.
type Tone struct {
	Hz    float64
	Share float64
}

// Is tells whether this is that tone: within 20 Hz, with most of the power.
func (t Tone) Is(hz float64) bool { return t.Share > 0.5 && math.Abs(t.Hz-hz) <= 20 }

// DetectTone looks for the strongest single frequency between 200 and 3400 Hz.
func DetectTone(samples []int16, rate int) Tone {
	total := power(samples)
	if total == 0 {
		return Tone{}
	}
	// A short stretch first: it resolves 20 Hz, so that no step can miss.
	best := sweep(samples[:min(len(samples), rate/20)], rate, 200, 3400, 10)
	best = sweep(samples, rate, best.Hz-15, best.Hz+15, 1)
	best.Share /= total
	return best
}

// sweep tries every frequency in steps; Share is the raw power here.
func sweep(samples []int16, rate int, from, to, step float64) Tone {
	var best Tone
	for hz := from; hz <= to; hz += step {
		if p := goertzel(samples, rate, hz); p > best.Share {
			best = Tone{hz, p}
		}
	}
	return best
}

// goertzel is the mean power of one frequency, a full-scale match giving the
// same figure as power does for a pure sine.
func goertzel(samples []int16, rate int, hz float64) float64 {
	coeff := 2 * math.Cos(2*math.Pi*hz/float64(rate))
	var s1, s2 float64
	for _, x := range samples {
		s1, s2 = float64(x)+coeff*s1-s2, s1
	}
	n := float64(len(samples))
	return 2 * (s1*s1 + s2*s2 - coeff*s1*s2) / (n * n)
}

func power(samples []int16) float64 {
	var sum float64
	for _, x := range samples {
		sum += float64(x) * float64(x)
	}
	return sum / float64(max(1, len(samples)))
}

// sine fills samples with a tone that goes on from the given phase.
func sine(samples []int16, hz float64, phase float64) float64 {
	for i := range samples {
		samples[i] = int16(8000 * math.Sin(phase))
		phase = math.Mod(phase+2*math.Pi*hz/8000, 2*math.Pi)
	}
	return phase
}

// encodeMulaw is G.711 µ-law.
func encodeMulaw(x int16) byte {
	const bias, clip = 0x84, 32635
	sign, v := byte(0), int(x)
	if v < 0 {
		sign, v = 0x80, -v
	}
	v = min(v, clip) + bias
	exp := 7
	for mask := 0x4000; exp > 0 && v&mask == 0; mask >>= 1 {
		exp--
	}
	return ^(sign | byte(exp<<4) | byte(v>>(exp+3)&0x0f))
}

func decodeMulaw(b byte) int16 {
	b = ^b
	v := (int(b&0x0f)<<3+0x84)<<(b>>4&7) - 0x84
	if b&0x80 != 0 {
		return int16(-v)
	}
	return int16(v)
}
