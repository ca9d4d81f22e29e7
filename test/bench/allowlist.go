package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// allowList names what allowLists measures.
const allowList = "allow list"

// The lists that are compared, and how many clients ask.
const (
	fewRules   = 10
	manyRules  = 10_000
	webClients = 16
)

func listName(rules int) string {
	if rules == manyRules {
		return "10,000 rules"
	}
	return fmt.Sprint(rules, " rules")
}

// allowLists measures what a GET costs core, which decides, with a short list
// and with a long one, in turns. All rules are for one server, and the page that
// is asked for is let through by the last of them.
//
//	clients ──▶ edge ──▶ core ──▶ web server in this process
func allowLists(ctx context.Context, w *world, opt options, b *book) error {
	if !opt.only.MatchString(allowList) {
		return nil
	}
	var all []*listed
	defer func() {
		for _, l := range all {
			l.client.CloseIdleConnections()
			for _, p := range append(l.more, l.proc) {
				p.stop()
			}
		}
	}()
	for i, rules := range []int{fewRules, manyRules} {
		l, err := startListed(ctx, w, 20+i, rules)
		if err != nil {
			return fmt.Errorf("%s: %w", listName(rules), err)
		}
		all = append(all, l)
	}
	for round := range opt.rounds {
		order := slices.Clone(all)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, l := range order {
			r := l.run(ctx, opt)
			b.add(allowList, l.name, r)
			fmt.Printf("round %d  %-22s %-13s %s\n", round+1, allowList, l.name, r)
		}
	}
	return ctx.Err()
}

// listed is a pair with an allow list, and clients of it.
type listed struct {
	*subject
	url    string
	client *http.Client
}

func startListed(ctx context.Context, w *world, n, rules int) (*listed, error) {
	at := place(n, 5) + ":8080"
	origin, err := net.Listen("tcp", at)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, "a small page\n") })}
	go server.Serve(origin) // ends with the listener
	w.later(func() { server.Close() })
	var lines []string
	for i := range rules {
		match := []string{"prefix", "exact"}[i%2]
		lines = append(lines, fmt.Sprintf(`CollaborationEdge AllowList Rule %d Url: "http://%s/service-%05d/page"`, i+1, at, i),
			fmt.Sprintf(`CollaborationEdge AllowList Rule %d MatchType: %s`, i+1, match))
	}
	s, err := startWhole(ctx, w, n, listName(rules), false, lines...)
	if err != nil {
		return nil, err
	}
	t := &http.Transport{TLSClientConfig: w.clientTLS(), MaxIdleConnsPerHost: webClients, MaxConnsPerHost: webClients,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, place(n, 1)+":8443")
		}}
	lane := base64.RawStdEncoding.EncodeToString(fmt.Appendf(nil, "%s/http/%s/8080", domain, place(n, 5)))
	l := &listed{s, fmt.Sprintf("https://%s:8443/%s/service-%05d/page", edgeName, lane, rules-1), &http.Client{Transport: t, Timeout: 10 * time.Second}}
	for { // the link comes up, and ten thousand rules are taken in
		err := l.get(ctx)
		if err == nil {
			return l, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.proc.done:
			return nil, fmt.Errorf("edge ended: %s", s.proc.tail())
		case <-s.more[0].done:
			return nil, fmt.Errorf("core ended: %s", s.more[0].tail())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (l *listed) get(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, nil)
	if err != nil {
		return err
	}
	resp, err := l.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// run loads a pair and measures its core.
func (l *listed) run(ctx context.Context, opt options) result {
	ctx, stop := context.WithCancel(ctx)
	var done, failed atomic.Int64
	var mu sync.Mutex
	var delays []time.Duration
	var why error
	var wait sync.WaitGroup
	for range webClients {
		wait.Go(func() {
			for ctx.Err() == nil {
				begun := time.Now()
				err := l.get(ctx)
				switch took := time.Since(begun); {
				case ctx.Err() != nil:
				case err != nil:
					failed.Add(1)
					mu.Lock()
					why = err
					mu.Unlock()
				default:
					done.Add(1)
					mu.Lock()
					delays = append(delays, took)
					mu.Unlock()
				}
			}
		})
	}
	pause(ctx, opt.warm)
	mu.Lock()
	delays = delays[:0]
	mu.Unlock()
	core := l.more[0].pids()
	before, from, begun := spent(core), done.Load(), time.Now()
	pause(ctx, opt.window)
	cpu, jobs, took := spent(core)-before, done.Load()-from, time.Since(begun)
	stop()
	wait.Wait()
	r := result{rate: float64(jobs) / took.Seconds(), busy: cpu.Seconds() / took.Seconds(), failed: failed.Load(), why: why}
	if jobs > 0 {
		r.cost = float64(cpu.Nanoseconds()) / float64(jobs)
	}
	if slices.Sort(delays); len(delays) > 0 {
		r.p50, r.p99 = delays[len(delays)/2], delays[len(delays)*99/100]
	}
	return r
}
