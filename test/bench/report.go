package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A claim is one comparison with its budget of design.md 5. Ratios are ours
// by theirs, so less is better; for media the budget says how many times
// cheaper, so there they are turned round.
type claim struct {
	scenario     string
	ours, theirs string
	most         float64 // budget: at most; 0 for none
	least        float64 // budget: at least, theirs by ours; 0 for none
}

func claims() []claim {
	all := []claim{
		{scenario: "REGISTER saturated", most: 0.5},
		{scenario: "REGISTER paced", most: 0.85},
		{scenario: "call saturated", most: 0.65},
		{scenario: "call paced", most: 0.85},
		{scenario: "media call saturated"},
		{scenario: "media call paced"},
		{scenario: sparseLoad, most: 0.5},
		{scenario: "idle registrations"},
	}
	for i := range all {
		all[i].ours, all[i].theirs = "edge", "Kamailio"
	}
	for _, s := range []string{"REGISTER saturated", "REGISTER paced", "call saturated", "call paced", sparseLoad} {
		all = append(all, claim{scenario: s, ours: "edge", theirs: "bare relay", most: 1.6})
	}
	for _, s := range pairScenarios() {
		all = append(all, claim{scenario: s, ours: "fast path", theirs: "searched", most: 1})
	}
	all = append(all, claim{scenario: allowList, ours: listName(manyRules), theirs: listName(fewRules), most: 1.1})
	for _, s := range []string{"media paced", "media dense", "media most"} {
		all = append(all,
			claim{scenario: s, ours: "edge CM", theirs: "rtpengine RTP", least: 1.5},
			claim{scenario: s, ours: "core CM", theirs: "rtpengine CM", least: 1.6},
			claim{scenario: s, ours: "core GCM", theirs: "rtpengine GCM", least: 1.8})
	}
	return all
}

// verdict is the ratio and whether the budget is met.
func (c claim) verdict(b *book) (ratio, budget, met string) {
	var r spread
	if c.least > 0 {
		r = b.ratio(c.scenario, c.theirs, c.ours)
	} else {
		r = b.ratio(c.scenario, c.ours, c.theirs)
	}
	if r.n == 0 {
		return "", "", ""
	}
	ratio = fmt.Sprintf("%.2f (%.2f–%.2f)", r.mid, r.low, r.top)
	switch {
	case c.most > 0:
		budget, met = fmt.Sprintf("≤ %.2f", c.most), yes(r.mid <= c.most)
	case c.least > 0:
		budget, met = fmt.Sprintf("≥ %.1f times cheaper", c.least), yes(r.mid >= c.least)
	default:
		budget, met = "reported", "–"
	}
	return ratio, budget, met
}

func yes(b bool) string {
	if b {
		return "met"
	}
	return "NOT MET"
}

// report is RESULTS.md.
func (b *book) report() string {
	var w bytes.Buffer
	fmt.Fprintf(&w, "# Bench\n\nWritten by `make bench`. Ratios are the result; absolute figures belong to this machine and this hour.\n\n")
	b.machine(&w)
	b.ratios(&w)
	b.memory(&w)
	b.callMemory(&w)
	b.setupDelays(&w)
	b.gaps(&w)
	b.rest(&w)
	b.figures(&w)
	w.WriteString(method)
	return w.String()
}

func (b *book) machine(w *bytes.Buffer) {
	fmt.Fprintf(w, "| | |\n|---|---|\n")
	fmt.Fprintf(w, "| date | %s, took %s |\n", b.begun.UTC().Format("2006-01-02 15:04 UTC"), time.Since(b.begun).Round(time.Second))
	fmt.Fprintf(w, "| commit | %s |\n", output("git", "describe", "--always", "--dirty"))
	fmt.Fprintf(w, "| machine | %s, %d processors, Linux %s |\n", processor(), processors(), output("uname", "-r"))
	fmt.Fprintf(w, "| load before and after | %s; %s |\n", b.load, loadAverage())
	fmt.Fprintf(w, "| versions | %s; %s; %s |\n", runtime.Version(), version("kamailio", "/usr/sbin/kamailio", "-v"), version("rtpengine", "/usr/bin/rtpengine", "--version"))
	fmt.Fprintf(w, "| rounds | %d, each measurement %s |\n", b.opt.rounds, b.opt.window)
	if !paired() {
		fmt.Fprintf(w, "| **one processor** | load and subjects shared it: of little worth |\n")
	}
	if busyMachine(b.load) {
		fmt.Fprintf(w, "| **busy machine** | other work ran on it: ratios are rough, and what is called saturated may not have been; see the busy column |\n")
	}
	for _, why := range b.skipped {
		fmt.Fprintf(w, "| **skipped** | %s |\n", why)
	}
}

func (b *book) ratios(w *bytes.Buffer) {
	fmt.Fprintf(w, "\n## Ratios of processor time: median of the rounds (range)\n\n| load | compared | ratio | budget | |\n|---|---|---|---|---|\n")
	for _, c := range claims() {
		if ratio, budget, met := c.verdict(b); ratio != "" && c.scenario != "idle registrations" {
			pair := c.ours + " / " + c.theirs
			if c.least > 0 {
				pair = c.theirs + " / " + c.ours
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", c.scenario, pair, ratio, budget, met)
		}
	}
}

// busyMachine tells from a load average whether others worked here too.
func busyMachine(load string) bool {
	one, _ := strconv.ParseFloat(strings.Fields(load + " 0")[0], 64)
	return one > 0.5
}

// idleBudget is what an idle registration may take on edge, in bytes.
const idleBudget = 28_000

func (b *book) memory(w *bytes.Buffer) {
	edge := b.cost("idle registrations", "edge")
	if edge.n == 0 {
		return
	}
	fmt.Fprintf(w, "\n## Memory of an idle TLS registration, 2,000 held\n\nedge %.1f kB (budget ≤ %d kB: %s)", edge.mid/1e3, idleBudget/1000, yes(edge.mid <= idleBudget))
	if k := b.cost("idle registrations", "Kamailio"); k.n > 0 {
		fmt.Fprintf(w, "; Kamailio %.1f kB", k.mid/1e3)
	}
	fmt.Fprintf(w, "\n")
}

func (b *book) figures(w *bytes.Buffer) {
	fmt.Fprintf(w, "\n## Figures: median (range) of microseconds of processor time\n\n| load | subject | each | per second | busy | median delay | p99 delay | unsound rounds |\n|---|---|---|---|---|---|---|---|\n")
	var names []string
	for name := range b.results {
		if name != "idle registrations" && name != callMemory && name != restMemory && name != mediaGap && !strings.HasPrefix(name, setupDelay) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		var subjects []string
		for s := range b.results[name] {
			subjects = append(subjects, s)
		}
		slices.Sort(subjects)
		for _, s := range subjects {
			b.figure(w, name, s)
		}
	}
}

func (b *book) figure(w *bytes.Buffer, scenario, subject string) {
	var rates, busy, p50, p99 []float64
	unsound, why := 0, ""
	for _, r := range b.results[scenario][subject] {
		if !r.sound() {
			unsound++
			why = fmt.Sprint(": ", r.why)
			continue
		}
		rates, busy = append(rates, r.rate), append(busy, 100*r.busy)
		p50, p99 = append(p50, r.p50.Seconds()*1e3), append(p99, r.p99.Seconds()*1e3)
	}
	c := b.cost(scenario, subject)
	delay := func(v []float64) string {
		if s := spreadOf(v); s.top > 0 {
			return fmt.Sprintf("%.2f ms", s.mid)
		}
		return ""
	}
	bad := ""
	if unsound > 0 {
		bad = fmt.Sprint(unsound, why)
	}
	fmt.Fprintf(w, "| %s | %s | %.1f (%.1f–%.1f) | %.0f | %.0f %% | %s | %s | %s |\n", scenario, subject, c.mid/1e3, c.low/1e3, c.top/1e3,
		spreadOf(rates).mid, spreadOf(busy).mid, delay(p50), delay(p99), bad)
}

const method = `
## Method

All subjects take turns within each round, forwards and backwards; a ratio is
taken round by round. Each subject runs alone on the first processor, this
program with phones and far ends on the second; everything is loopback.
Processor time is the scheduler's, of every thread and process of the subject,
over the window, by what was completed in it. A round with a failed job does
not count.

**Signalling.** TLS 1.3 in from 500 phones at many addresses, one TLS link out.
edge is the shipped binary, started as an operator would, its link held by the
product's own core end; it logs to a file as usual, opens tokens and bindings,
and checks identities. Kamailio runs ` + "`-x tlsf -m 2048`" + ` with one worker, does
Path with received and Record-Route, keeps transactions and logs nothing; its
link is primed. The bare relay is Go's TLS on both sides and a goroutine per
connection, with eight bytes of header for each read and no look at the bytes; it
reads and writes past the runtime's monitor thread, as edge does.

* REGISTER: a refresh with credentials, 1.3 kB, answered 200. Saturated: 64
  outstanding; paced: 1000 a second; sparse (-long): 10,000 phones that stay, 87 a second.
* call: INVITE/180/200/ACK/BYE/200 with a body of 1.1 kB that no proxy reads. Kamailio
  also says 100 at once, as it comes; edge does so only where nothing else has
  answered within 100 ms. Saturated: 128 outstanding; paced: 200 a second, each
  rings 20 ms and lasts 40 ms.
* media call: the body is an SRTP offer. edge checks and rewrites offer and
  answer and opens two ports; Kamailio passes them on, so this is not like for
  like, and has no budget.
* Delay is REGISTER to 200, INVITE to 180, through the subject and its far end. The
  collector of this program rests while a load runs: phones and far ends that
  stand still would count as delay of the subject. Those of the nodes do not.

**Allow list.** Edge and core as two processes on the first processor, 16 HTTPS
clients that each fetch a page of 13 bytes again and again through both, from a web
server in this process. What counts is the processor time of core, which decides,
by request; one pair has a list of 10 rules, the other one of 10,000, half of them
exact and half by prefix, all for this one server, and the page is let through by
the last.

**Memory.** Growth of the proportional set size of all processes from one
connection to 2,000 registered ones, at rest for 3 s.

**Media.** 200 two-way calls of 172-byte packets, one process per subject, one
worker each. Client, edge and core: SRTP in from the phone, passed on by edge in
frames of the link, turned into RTP by core, and back; both are set up by their
own rewriting of offers and answers. The one that is measured has the first
processor for itself, its peer runs beside the load on the second. rtpengine:
userspace, one thread, started anew for each round; RTP on both sides stands
beside edge, which looks into no packet, and the same SRTP to RTP beside core.
Paced is 20,000 packets a second, dense 60,000, most as many as pass or as the
load can send. Packets leave each millisecond, and the load looks for what came
as often, so that nobody pays for waking it. Every 101st packet that arrives is
unprotected and checked. What loses more than 1 % of its packets, or has more
than a tenth under way at its end, is tried once more with calls set up anew and
does not count if that fails too. Delay is from sending to the far socket, for
edge and core through both of them: under load each looks at its sockets once a
millisecond. As loopback delivers in the sender's thread, each figure holds the
way into the next socket.

**Added call set-up delay.** INVITE to 180 of the call without a session
description that rings at once, from the same phones to the same far end: over
TLS straight to it, through edge, and through edge and core with a registrar over
TCP behind them. At 500 calls a second, which with calls of three minutes is
ninety times the thousand that a node of two processors is for, and at half the
rate that the subject carries. What a node adds is the difference of the
percentiles with it and without it, in turns of one run; core's is at half of
what both carry together on one processor.

**Media gap.** Both nodes, call control and phones in this process: a phone that
agreed on session persistency leaves one network and comes up in another in a
call, registers there and sends a re-INVITE, and is mute until that was answered.
The gap is the longer of both ways, from the moment when the new network is
there to the first packet at the far end; the way back counts from the new
address only.

**At rest.** Resident set of each node's process 3 s after the link came up,
nobody registered.

**Memory of a call.** Growth of the proportional set size from 200 calls to 1,200
with packets flowing, ours after giving free memory back to the system; sockets
take about 2.6 kB each in the kernel beyond that.
`

func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func loadAverage() string {
	s, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(s))[:3], " ")
}
