package status_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestDescribe(t *testing.T) {
	took := func(d time.Duration, outcome poller.Outcome, action, reason string) poller.Run {
		return poller.Run{Task: "deploy", Started: began, Finished: began.Add(d), Outcome: outcome, Action: action, Reason: reason}
	}
	pinned := took(2*time.Second, poller.Success, "", "")
	pinned.Held = "pinned by anna"
	signed := took(2*time.Second, poller.Success, "", "")
	signed.Signer = "anna@example.com"
	elsewhere := took(20*time.Millisecond, poller.Success, "", poller.NothingToRun)
	elsewhere.Unchanged = "below api/"
	approved := took(2*time.Second, poller.Success, "", "")
	approved.ApprovedBy = "anna"
	long := took(time.Second, poller.Error, "build", strings.Repeat("日", 200))
	tests := map[string]struct {
		run  poller.Run
		want string
	}{
		"started":         {took(0, poller.Pending, "", ""), "running deploy"},
		"in an action":    {took(0, poller.Pending, "build", ""), "running deploy (build)"},
		"succeeded":       {took(3240*time.Millisecond, poller.Success, "", ""), "deploy: succeeded in 3.2s"},
		"pinned":          {pinned, "deploy, pinned by anna: succeeded in 2s"},
		"signed":          {signed, "deploy: succeeded in 2s, signed by anna@example.com"},
		"approved":        {approved, "deploy: succeeded in 2s, approved by anna"},
		"at once":         {took(20*time.Millisecond, poller.Success, "", ""), "deploy: succeeded in 20ms"},
		"after a while":   {took(3*time.Minute+12*time.Second+400*time.Millisecond, poller.Success, "", ""), "deploy: succeeded in 3m12s"},
		"had no action":   {took(20*time.Millisecond, poller.Success, "", poller.NothingToRun), "deploy: nothing to run"},
		"not by paths":    {elsewhere, "deploy: nothing to run: no change below api/"},
		"clock put back":  {poller.Run{Task: "deploy", Started: began, Finished: began.Add(-40 * time.Minute), Took: 2 * time.Second, Outcome: poller.Success}, "deploy: succeeded in 2s"},
		"failed":          {took(3*time.Minute+12*time.Second, poller.Failure, "build", "exit status 2"), "deploy: build failed with exit code 2 after 3m12s"},
		"by a signal":     {took(time.Second, poller.Failure, "build", "signal: killed"), "deploy: build failed with signal killed after 1s"},
		"ran out of time": {took(20*time.Minute, poller.Failure, "build", "out of time after 20m0s"), "deploy: build out of time after 20m0s"},
		"never fetched":   {took(time.Second, poller.Error, "", "fetch: no route to host"), "deploy: fetch: no route to host"},
		"never started":   {took(time.Second, poller.Error, "build", "./build: no such file"), "deploy: build ./build: no such file"},
		"cut off":         {took(0, poller.Error, "build", "interrupted: kitops was killed, will run again"), "deploy: build interrupted: kitops was killed, will run again"},
		"several lines":   {took(0, poller.Error, "", "one\ntwo"), "deploy: one; two"},
		"escape":          {took(0, poller.Error, "", "\x1b[31m\u202e"), `deploy: \x1b[31m\u202e`},
		"short token":     {took(0, poller.Error, "", "bad ghs_"+strings.Repeat("a", 36)+"!"), "deploy: bad [redacted]!"},
		"long token":      {took(0, poller.Error, "", "bad ghs_"+strings.Repeat("aB_-.9", 86)), "deploy: bad [redacted]"},
		"JWT":             {took(0, poller.Error, "", "bad eyJhbGci.eyJpc3Mi.c2ln"), "deploy: bad [redacted]"},
		"too long":        {long, "deploy: build " + strings.Repeat("日", 125) + "…"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := status.Describe(test.run)
			if got != test.want || utf8.RuneCountInString(got) > 140 {
				t.Errorf("%d characters\ngot  %s\nwant %s", utf8.RuneCountInString(got), got, test.want)
			}
		})
	}
}

func TestDescribeIsNeverTooLong(t *testing.T) {
	for n := range 150 {
		for _, letter := range []string{"x", "é", "日", "🙂", "\x00", "\xff"} {
			for _, outcome := range []poller.Outcome{poller.Pending, poller.Success, poller.Failure, poller.Error} {
				text := strings.Repeat(letter, n)
				got := status.Describe(poller.Run{Task: text, Action: text, Outcome: outcome, Reason: text})
				if utf8.RuneCountInString(got) > 140 || !utf8.ValidString(got) {
					t.Fatalf("%d characters: %q", utf8.RuneCountInString(got), got)
				}
			}
		}
	}
}
