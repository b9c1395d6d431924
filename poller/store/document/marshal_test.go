package document_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/store/document"
	"github.com/bittrance/kitops/poller/store/storetest"
)

type small struct {
	Name string `json:"name"`
	Size int64
}

type text struct{ s string }

func (t text) MarshalText() ([]byte, error) { return []byte(t.s), nil }

type lines string

func (l lines) MarshalYAML() (any, error) { return strings.Split(string(l), "\n"), nil }

// everything is what documents are made of.
type everything struct {
	small `yaml:"-"`

	Inner   small             `yaml:",inline"`
	Pointer *small            `yaml:"pointer,omitempty"`
	Nil     *small            `yaml:"nil"`
	Empty   small             `yaml:"empty,omitempty"`
	At      time.Time         `yaml:"at,omitempty"`
	Then    time.Time         `yaml:"then"`
	Took    time.Duration     `yaml:"took,omitempty"`
	Flag    bool              `yaml:"flag,omitempty"`
	Count   uint64            `yaml:"count"`
	Texts   map[string]string `yaml:"texts,omitempty"`
	Maps    map[string]*small `yaml:"maps"`
	Smalls  []small           `yaml:"smalls,omitempty"`
	Lists   [][]string        `yaml:"lists"`
	Text    text              `yaml:"text"`
	Lines   lines             `yaml:"lines"`
	Skipped string            `yaml:"-"`
	Struct  struct{}          `yaml:"struct"`

	hidden int
}

func oddStrings() []string {
	return append(storetest.OddKeys(), "", "null", "~", "1", "-1", "0x1", "1e3", "true", "Yes", "a: b", "a #b", "- a", "a:", "\n", "a\nb\n", "\t", "\r\n", "é", "\u2028", "\U0001f600", "\x7f",
		"\u0085", "\ufeff", "2026-01-02T03:04:05Z", "{}", "[]", `"`, `\`, "'", "%", "@a", "`", "&a", "*a", "!a", "|", ">", "?", "? a", "---", "...", "<<", "=", ".inf", " a", "a ", "a  b", "012", "1_000", "0o7", "1:30")
}

// TestMarshal writes what go-yaml and Canonical write of the same value, but for what go-yaml writes as something else.
func TestMarshal(t *testing.T) {
	odd := slices.DeleteFunc(oddStrings(), func(s string) bool { return strings.ContainsAny(s, "\t\r\n") || strings.HasPrefix(s, ".") })
	pick := func() string { return odd[rand.N(len(odd))] }
	compared := 0
	for i := range 2000 {
		v := everything{
			Inner: small{pick(), rand.Int64() - rand.Int64()}, Took: time.Duration(rand.N(100)) * time.Millisecond, Flag: i%2 == 0, Count: rand.Uint64(),
			Text: text{pick()}, Lines: lines(pick()), hidden: 1, Maps: map[string]*small{}, Then: time.Unix(int64(i), int64(i)),
		}
		if i < len(odd) {
			v.Text.s = odd[i]
		}
		for range rand.N(4) {
			v.Pointer, v.At, v.Texts = &small{Name: pick()}, time.Now(), map[string]string{pick(): pick(), pick(): pick()}
			v.Maps[pick()], v.Smalls = v.Pointer, append(v.Smalls, small{pick(), 1}, small{})
			v.Lists = append(v.Lists, []string{pick(), pick()}, nil)
		}
		slow, err := yaml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		want, err := document.ParsedCanonical(slow)
		if err != nil {
			continue // go-yaml does not read all that it writes
		}
		compared++
		got, err := document.Marshal(v)
		if err != nil || string(got) != string(want) {
			t.Fatalf("%v\n%s\ninstead of\n%s\n%s", err, got, want, slow)
		}
		if !document.IsCanonical(string(got)) && v.Count < 1<<63 {
			t.Fatalf("not known to be canonical:\n%s", got)
		}
	}
	if compared < 1000 {
		t.Errorf("only %d of 2000 were written by both", compared)
	}
}

// TestMarshalledStrings reads each string as it was.
func TestMarshalledStrings(t *testing.T) {
	for _, s := range oddStrings() {
		want := map[string][]string{s: {s}}
		text, err := document.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string][]string
		if err := yaml.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q became %q, %v", want, got, err)
		}
		parsed, err := document.ParsedCanonical(text)
		if err != nil || !bytes.Equal(parsed, text) {
			t.Errorf("%q is not canonical, but %q, %v", text, parsed, err)
		}
	}
}

func TestMarshalRefuses(t *testing.T) {
	for _, v := range []any{1.5, map[int]int{1: 1}, func() {}, "\xff", map[string]string{"\xff": ""}} {
		if got, err := document.Marshal(map[string]any{"a": v}); err == nil {
			t.Errorf("%#v became %q", v, got)
		}
	}
}
