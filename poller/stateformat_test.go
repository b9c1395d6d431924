package poller

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/document"
)

// fill gives a value and all that it holds something, but leaves one in three as it is.
func fill(v reflect.Value, depth int) {
	if depth > 0 && rand.N(3) == 0 || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(rand.Int64N(2e9), rand.Int64N(1e9)).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), depth+1)
		}
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String || v.Type().Elem().Kind() == reflect.Interface {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range rand.N(4) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, 0)
			fill(value, 0)
			key.SetString(strings.ReplaceAll(key.String(), "\n", " ")) // which go-yaml does not write as a key
			v.SetMapIndex(key, value)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rand.N(3), 3))
		for i := range v.Len() {
			fill(v.Index(i), 0)
		}
	case reflect.String:
		v.SetString([]string{"refs/heads/main", strings.Repeat("12345678", 5), "1234567e10", "by: anna", "", "yes", "two\nlines \"x\"", "ünï", "true", "0"}[rand.N(10)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(rand.Int64N(1e6) - 10)
	case reflect.Uint64, reflect.Uint8, reflect.Uint:
		v.SetUint(rand.Uint64N(200))
	}
}

// TestStateIsWrittenAsByYAML holds the text of a state to what go-yaml makes of it, whatever is in it.
func TestStateIsWrittenAsByYAML(t *testing.T) {
	for range 200 {
		var s State
		fill(reflect.ValueOf(&s).Elem(), 0)
		slow, err := yaml.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		want, err := document.Canonical(slow)
		if err != nil {
			t.Fatal(err)
		}
		got, err := document.Marshal(s)
		if err != nil || string(got) != string(want) {
			t.Fatalf("%v\n%s\ninstead of\n%s", err, got, want)
		}
		var back, before State
		if err := decodeState(got, &back); err != nil {
			t.Fatal(err)
		}
		if err := decodeState(slow, &before); err != nil || !reflect.DeepEqual(back, before) {
			t.Fatalf("%v\n%+v\ninstead of\n%+v", err, back, before)
		}
	}
}

// TestStateOfManyPullRequests that all have had a run is saved and read.
func TestStateOfManyPullRequests(t *testing.T) {
	s := State{Refs: map[string]RefState{}}
	for n := range 5000 {
		rev := git.Revision{Ref: fmt.Sprintf("refs/pull/%d/head", n), SHA: fmt.Sprintf("%040x", n)}
		s.Refs[rev.Ref] = RefState{
			Run: &Run{
				ID: newRunID(time.Now()), Task: "check", Revision: rev, Outcome: Failure, Action: "test", Reason: "exit status 1",
				Attempt: 1, Failures: 1, Started: stamp(), Finished: stamp(), Took: time.Second, Actions: "0123456789",
			},
			Notes: map[string]string{"kitops/check": "123"}, ReportAs: "check",
		}
	}
	text, err := document.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := document.Canonical(append([]byte("# edited\n"), text...)); err != nil {
		t.Error(err)
	}
	var back State
	if err := decodeState(text, &back); err != nil || len(back.Refs) != len(s.Refs) || back.Refs["refs/pull/9/head"].Run.ID != s.Refs["refs/pull/9/head"].Run.ID {
		t.Errorf("%d of %d refs, %v", len(back.Refs), len(s.Refs), err)
	}
}
