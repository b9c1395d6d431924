package status_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status"
)

func BenchmarkLog(b *testing.B) {
	run := poller.Run{
		ID: "20260102t030405-abcdefghij", Task: "deploy", Attempt: 1, Action: "build", Started: time.Now(), Finished: time.Now(),
		Revision: git.Revision{Ref: "refs/heads/main", SHA: "0123456789012345678901234567890123456789"}, Outcome: poller.Success,
	}
	for _, e := range []poller.Event{
		{Kind: poller.Looked}, // not written at this level
		{Kind: poller.Output, Run: run, Line: "cc -O2 -c -o poller.o poller.c"},
		{Kind: poller.Finished, Run: run},
	} {
		e.Task = "deploy"
		b.Run(string(e.Kind), func(b *testing.B) {
			var out bytes.Buffer
			tell := status.Log(slog.New(slog.NewJSONHandler(&out, nil)))
			for b.Loop() {
				out.Reset()
				tell(e)
			}
		})
	}
}
