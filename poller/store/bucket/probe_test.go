package bucket_test

import (
	"context"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

func racers(b bucket.Objects) []bucket.Objects {
	all := make([]bucket.Objects, bucket.Racers)
	for i := range all {
		all[i] = b
	}
	return all
}

func TestProbe(t *testing.T) {
	b := &objects.Bucket{}
	unclean, err := bucket.Probe(t.Context(), racers(b), "team")
	if unclean != nil || err != nil {
		t.Errorf("%v, %v", unclean, err)
	}
	if puts := b.Asked("Put"); puts != 2*bucket.Racers {
		t.Errorf("%d puts", puts)
	}
	if left := b.Names(); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

// TestProbeOfServersThatDoNotExclude: one that looks first and writes later does right when it is asked one by one.
func TestProbeOfServersThatDoNotExclude(t *testing.T) {
	for name, b := range map[string]*objects.Bucket{
		"checks, then writes": {Together: bucket.Racers},
		"ignores conditions":  {Careless: true},
	} {
		_, err := bucket.Probe(t.Context(), racers(b), "")
		if err == nil || !strings.Contains(err.Error(), "does not honour If-None-Match") {
			t.Errorf("%s: %v", name, err)
		}
		if left := b.Names(); len(left) > 0 {
			t.Errorf("%s: %q is left", name, left)
		}
	}
}

// looksTwice honours If-None-Match only.
type looksTwice struct{ *objects.Bucket }

func (l looksTwice) Put(ctx context.Context, name string, body []byte, cond bucket.Condition) (bucket.Object, error) {
	cond.ETag = ""
	return l.Bucket.Put(ctx, name, body, cond)
}

// dropsWrites answers and does nothing.
type dropsWrites struct{ *objects.Bucket }

func (d dropsWrites) Put(ctx context.Context, name string, _ []byte, cond bucket.Condition) (bucket.Object, error) {
	return d.Bucket.Put(ctx, name, []byte("other bytes"), cond)
}

// answers says the same to every put.
type answers struct {
	*objects.Bucket
	err *bucket.Error
}

func (a answers) Put(context.Context, string, []byte, bucket.Condition) (bucket.Object, error) {
	return bucket.Object{}, a.err
}

func (a answers) Remove(context.Context, string) error { return a.err }

func TestProbeSaysWhatIsWrong(t *testing.T) {
	for want, b := range map[string]bucket.Objects{
		"does not honour If-Match: 16 of 16":       looksTwice{&objects.Bucket{}},
		"not those of the writer that succeeded":   dropsWrites{&objects.Bucket{}},
		"the policy that kitops needs":             answers{&objects.Bucket{}, &bucket.Error{Fault: bucket.Refused, Problem: "the policy that kitops needs"}},
		"the server is overloaded":                 answers{&objects.Bucket{}, &bucket.Error{Problem: "no answer"}},
		"nobody is known to have succeeded: the s": answers{&objects.Bucket{}, &bucket.Error{Fault: bucket.Busy}},
	} {
		unclean, err := bucket.Probe(t.Context(), racers(b), "")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
		if _, denies := b.(answers); denies && unclean == nil {
			t.Errorf("%s: what stays is not told", want)
		}
	}
}
