package wiring

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/store/members"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestCopyStateOfAFleet: what instances remember for themselves moves along to another bucket, and is a memory there.
func TestCopyStateOfAFleet(t *testing.T) {
	t.Parallel()
	from, to := &objects.Bucket{}, &objects.Bucket{}
	place := func(b *objects.Bucket) string { return "s3://bucket/team?endpoint=" + b.S3(t).URL }
	p := Process{Environ: []string{"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK"}}
	source, err := openPlace(place(from), p)
	if err != nil {
		t.Fatal(err)
	}
	own := source.shared.in(members.TasksDir).Sub("fleet")
	if _, err := own.Put(t.Context(), "a", []byte("url: https://git.example.com/shop\n"), ""); err != nil {
		t.Fatal(err)
	}
	target := place(to)
	if copied, stays, err := CopyState(t.Context(), place(from), target, p); err != nil || copied != 1 || stays != 0 {
		t.Errorf("%d copied, %d stay, %v", copied, stays, err)
	}
	if names := to.Names(); !slices.Equal(names, []string{"team/tasks/fleet/a.yaml"}) {
		t.Errorf("the bucket has %q", names)
	}
	if _, _, err := CopyState(t.Context(), place(from), target, p); err == nil {
		t.Error("copied over a memory")
	}
	if copied, stays, err := CopyState(t.Context(), place(from), filepath.Join(t.TempDir(), "state.yaml"), p); err != nil || copied != 0 || stays != 1 {
		t.Errorf("to a file: %d copied, %d stay, %v", copied, stays, err)
	}
	held := "url: x\nlease: {instance: b, owner: x, expires: " + time.Now().Add(time.Minute).UTC().Format(time.RFC3339) + ", fence: 1, nonce: n}\n"
	if _, err := own.Put(t.Context(), "b", []byte(held), ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := CopyState(t.Context(), place(from), place(&objects.Bucket{}), p); err == nil || !strings.Contains(err.Error(), "is in use by b") {
		t.Errorf("copied from under an instance: %v", err)
	}
}
