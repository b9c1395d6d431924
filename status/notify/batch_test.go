package notify

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// chat is a service within a test's own time.
type chat struct {
	mu    sync.Mutex
	codes []int     // of its answers; then 200
	down  time.Time // until when it answers 503
	texts []string
}

func (c *chat) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	var m struct{ Text string }
	_ = json.Unmarshal(body, &m)
	text, _, _ := strings.Cut(m.Text, "\nhttps://")
	c.mu.Lock()
	defer c.mu.Unlock()
	code := 200
	if time.Now().Before(c.down) {
		code = 503
	} else if len(c.codes) > 0 {
		code, c.codes = c.codes[0], c.codes[1:]
	}
	if code == 200 {
		c.texts = append(c.texts, text)
	}
	return &http.Response{StatusCode: code, Body: http.NoBody, Header: http.Header{"Retry-After": {"30"}}}, nil
}

// flood reports one after the other at the given distance, each until it has arrived.
func flood(t *testing.T, s *Sender, reports []poller.Report, distance time.Duration) {
	t.Helper()
	var all sync.WaitGroup
	for _, r := range reports {
		all.Go(func() {
			for err := s.Report(t.Context(), r); err != nil; err = s.Report(t.Context(), r) {
				var gathering *poller.GatheringError
				if errors.As(err, &gathering) {
					time.Sleep(time.Until(gathering.Until))
				} else {
					time.Sleep(time.Second)
				}
			}
		})
		time.Sleep(distance)
	}
	all.Wait()
}

func many200(to, reason string) (all []poller.Report) {
	for i := range 200 {
		r := failed("task-"+strconv.Itoa(i), reason)
		r.To, r.Change, r.Run.Outcome, r.Run.Action = to, poller.Erred, poller.Error, ""
		all = append(all, r)
	}
	return all
}

// TestFlood: 200 tasks that fail by one cause are few messages, each told in one of them, through a refusal to take more.
func TestFlood(t *testing.T) {
	t.Parallel()
	target := Target{Kind: "slack", URLFile: file(t, "https://hooks.example.com/x")}
	for name, test := range map[string]struct {
		distance time.Duration
		codes    []int
		most     int
	}{"at once": {0, nil, 2}, "in a minute": {300 * time.Millisecond, nil, 6}, "too many": {0, []int{200, 429, 503}, 3}} {
		synctest.Test(t, func(t *testing.T) {
			c := &chat{codes: test.codes}
			s, _ := sender(t, target)
			s.Client = &http.Client{Transport: c}
			flood(t, s, many200(target.To(), "reach github.com: no route"), test.distance)
			total := 0
			for _, text := range c.texts {
				first, _, _ := strings.Cut(text, " ")
				if n, err := strconv.Atoi(first); err == nil {
					total += n
				} else {
					total += strings.Count(text, "could not be run")
				}
			}
			if total != 200 || len(c.texts) > test.most {
				t.Errorf("%s: %d of 200 told in %d messages: %q", name, total, len(c.texts), c.texts)
			}
		})
	}
}

// TestTheAllClearAfterAFlood is one message right after it. After a quiet time the first task is told at once, and all others in one.
func TestTheAllClearAfterAFlood(t *testing.T) {
	t.Parallel()
	target := Target{Kind: "slack", URLFile: file(t, "https://hooks.example.com/x")}
	for quiet, want := range map[time.Duration]string{
		time.Second: "200 tasks succeed again (",
		time.Hour:   "succeeded again, after failing for 1 h 0 min since aaaaaaa | 199 tasks succeed again (",
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &chat{}
			s, _ := sender(t, target)
			s.Client = &http.Client{Transport: c}
			all := many200(target.To(), "reach github.com: no route")
			flood(t, s, all, 0)
			time.Sleep(quiet)
			c.texts = nil
			for i := range all {
				all[i].Change, all[i].Run.Outcome, all[i].Run.Reason, all[i].Run.Finished = poller.Recovered, poller.Success, "", time.Now()
			}
			flood(t, s, all, 0)
			got := strings.Join(c.texts, " | ")
			if _, words, _ := strings.Cut(" "+got, want); words == "" || strings.Count(got, "|") != strings.Count(want, "|") {
				t.Errorf("after %s: %q, want %q", quiet, got, want)
			}
		})
	}
}

// TestFewAreToldInFull: after a quiet time each is told at once.
func TestFewAreToldInFull(t *testing.T) {
	t.Parallel()
	target := Target{Kind: "slack", URLFile: file(t, "https://hooks.example.com/x"), Template: "{{.Task}} {{.Change}}"}
	synctest.Test(t, func(t *testing.T) {
		c := &chat{}
		s, log := sender(t, target)
		s.Client = &http.Client{Transport: c}
		one, two, three := failed("a", "x"), failed("b", "x"), failed("c", "x")
		for _, r := range []*poller.Report{&one, &two, &three} {
			r.To = target.To()
		}
		flood(t, s, []poller.Report{one, two, three}, 0)
		time.Sleep(time.Hour)
		begun := time.Now()
		if err := s.Report(t.Context(), two); err != nil || time.Since(begun) > time.Second {
			t.Error(err, time.Since(begun))
		}
		if len(c.texts) != 3 || strings.Count(strings.Join(c.texts, "\n"), "failure") != 4 {
			t.Errorf("%q", c.texts)
		}
		time.Sleep(24 * time.Hour)
		if err := s.Report(t.Context(), one); err != nil || len(c.texts) != 3 || !strings.Contains(log.String(), "nobody could be told for a day") {
			t.Errorf("%v %q %s", err, c.texts, log)
		}
		gone := one
		gone.To = "notify:other"
		if err := s.Report(t.Context(), gone); err != nil || len(c.texts) != 3 {
			t.Errorf("%v %q", err, c.texts)
		}
	})
}

// TestCheck tells what is wrong with a target.
func TestCheck(t *testing.T) {
	t.Parallel()
	address := file(t, "https://hooks.example.com/x")
	for want, target := range map[string]Target{
		`"irc" is none of slack`:                    {Kind: "irc"},
		"slack needs url_file":                      {Kind: "slack"},
		"room does not go with slack":               {Kind: "slack", URLFile: address, Room: "x"},
		"no such file":                              {Kind: "slack", URLFile: address + "x"},
		"does not hold an address that begins with": {Kind: "slack", URLFile: file(t, "hooks.example.com")},
		"must hold one line":                        {Kind: "slack", URLFile: file(t, "https://a.b\nhttps://c.d")},
		"template: ":                                {Kind: "slack", URLFile: address, Template: "{{.Nothing}}"},
		`"me" is no mail address`:                   {Kind: "mail", SMTP: "localhost:25", From: "me", Recipients: []string{"you@example.com"}},
	} {
		if err := target.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", target, err)
		}
	}
	if (Target{Kind: "ntfy", URL: "http://ntfy.example.com/x"}).Plain() != true || (Target{Kind: "ntfy", URL: "http://127.0.0.1/x"}).Plain() {
		t.Error("plain http beyond this host is not told")
	}
}

// TestADigestHasEachTasksWords gathers what two tasks tell one chat by templates of their own.
func TestADigestHasEachTasksWords(t *testing.T) {
	t.Parallel()
	target := Target{Kind: "slack", URLFile: file(t, "https://hooks.example.com/x")}
	s, _ := sender(t, target)
	s.Find = func(task, _ string) (Target, bool) {
		own := target
		own.Template = task + " as " + task + " has it"
		return own, true
	}
	m, err := s.digest(target, []poller.Report{failed("shop", "x"), failed("blog", "x")})
	if err != nil || m.text != "shop as shop has it\nblog as blog has it" {
		t.Errorf("%q, %v", m.text, err)
	}
}

// TestATemplateThatFails on a run, and not on the example of the check, costs nobody the message: the usual text is sent.
func TestATemplateThatFails(t *testing.T) {
	t.Parallel()
	c := newService(t)
	target := Target{Kind: "slack", URLFile: file(t, c.URL+"/x"), Template: `"{{.Task}}" {{slice .Reason 0 4}}`}
	if err := target.Check(); err != nil {
		t.Fatal(err)
	}
	s, log := sender(t, target)
	for reason, want := range map[string]string{"exit status 3": `"shop" exit`, "x": "shop (main at a1b2c3d) failed: deploy: x"} {
		m, err := s.digest(target, []poller.Report{failed("shop", reason)})
		if err == nil {
			err = s.deliver(t.Context(), target, m)
		}
		asked := c.asked()
		if err != nil || len(asked) == 0 || !strings.HasPrefix(field(t, asked[len(asked)-1].body, "text"), want) {
			t.Errorf("%s: %v %v", reason, err, asked)
		}
	}
	if n := strings.Count(log.String(), "the template of a notification failed, the usual text is sent"); n != 1 {
		t.Errorf("%d warnings: %s", n, log)
	}
}

// TestAProgramGetsNoToken has an error with a token in it, which the usual text leaves out.
func TestAProgramGetsNoToken(t *testing.T) {
	t.Parallel()
	r := failed("shop", "refused: ghs_"+strings.Repeat("a", 40))
	s, _ := sender(t)
	m, err := s.digest(Target{Kind: "webhook"}, []poller.Report{r})
	if err != nil || strings.Contains(string(m.body)+m.text, "ghs_") || !strings.Contains(string(m.body), "refused: ") {
		t.Errorf("%s %s %v", m.body, m.text, err)
	}
}

// TestADigestOfThoseThatGaveUp does not call them successes.
func TestADigestOfThoseThatGaveUp(t *testing.T) {
	t.Parallel()
	var all []poller.Report
	for _, task := range []string{"a", "b", "c", "d"} {
		r := failed(task, "exit status 3")
		r.Change = poller.GaveUp
		all = append(all, r)
	}
	s, _ := sender(t)
	m, err := s.digest(Target{Kind: "slack"}, all)
	if err != nil || m.text != "4 tasks failed and will not be tried again: deploy: exit status 3 (a, b, c, d)" {
		t.Errorf("%q %v", m.text, err)
	}
}

// TestMessagesOfNoRunHaveTheirOwnIDs by which services tell a repetition from another message.
func TestMessagesOfNoRunHaveTheirOwnIDs(t *testing.T) {
	t.Parallel()
	late := func(task, branch string, at time.Time) poller.Report {
		return poller.Report{Run: poller.Run{Task: task, Revision: git.Revision{Ref: "refs/heads/" + branch}}, Change: poller.Late, At: at}
	}
	now := time.Now()
	s, _ := sender(t)
	ids := map[string]bool{}
	for _, r := range []poller.Report{late("shop", "main", now), late("shop", "side", now), late("blog", "main", now), late("shop", "main", now.Add(time.Hour)), late("shop", "main", now)} {
		m, err := s.digest(Target{Kind: "matrix"}, []poller.Report{r})
		if err != nil {
			t.Error(err)
		}
		ids[m.id] = true
	}
	if len(ids) != 4 {
		t.Errorf("%d IDs of 4 messages, one of them twice", len(ids))
	}
}
