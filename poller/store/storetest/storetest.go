// Package storetest is the suite that every implementation of store.Store must pass.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/store"
)

// Run tests the store that open makes; each call must give an empty one.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	tests := map[string]func(*testing.T, store.Store){
		"life of a document":       life,
		"conflicts":                conflicts,
		"same data again":          sameData,
		"long keys":                longKeys,
		"list":                     list,
		"odd keys":                 oddKeys,
		"odd documents":            oddDocuments,
		"large documents":          large,
		"refused documents":        refused,
		"data is not shared":       notShared,
		"cancelled":                cancelled,
		"one winner":               oneWinner,
		"no update is lost":        noLostUpdate,
		"many documents at a time": manyDocuments,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func life(t *testing.T, s store.Store) {
	t.Helper()
	none, err := s.Get(t.Context(), "a")
	is(t, err, fs.ErrNotExist)
	if none.Now.IsZero() {
		t.Error("no document, and without the store's time")
	}
	first := put(t, s, "a", "n: 1", "")
	doc := get(t, s, "a", "n: 1")
	if doc.Version != first || first == "" {
		t.Errorf("Get gives version %q, Put gave %q", doc.Version, first)
	}
	if doc.Now.IsZero() {
		t.Error("a document without the store's time")
	}
	second := put(t, s, "a", "n: 2", first)
	if second == first {
		t.Error("another document with the same version")
	}
	get(t, s, "a", "n: 2")
	if gone := put(t, s, "a", "", second); gone != "" {
		t.Errorf("a deleted document has version %q", gone)
	}
	_, err = s.Get(t.Context(), "a")
	is(t, err, fs.ErrNotExist)
	put(t, s, "a", "n: 3", "")
	get(t, s, "a", "n: 3")
}

func conflicts(t *testing.T, s store.Store) {
	t.Helper()
	old := put(t, s, "a", "n: 1", "")
	now := put(t, s, "a", "n: 2", old)
	for name, try := range map[string]struct{ key, data, version string }{
		"create what is there":     {"a", "n: 3", ""},
		"replace with old version": {"a", "n: 3", old},
		"delete with old version":  {"a", "", old},
		"delete what is there":     {"a", "", ""},
		"unknown version":          {"a", "n: 3", "no such version"},
		"replace what is missing":  {"b", "n: 3", now},
		"delete what is missing":   {"b", "", now},
	} {
		version, err := s.Put(t.Context(), try.key, bytesOf(try.data), try.version)
		if !errors.Is(err, store.ErrConflict) || version != "" {
			t.Errorf("%s: version %q, error %v, want a conflict", name, version, err)
		}
	}
	get(t, s, "a", "n: 2")
	put(t, s, "b", "", "") // nothing is as it was expected
}

func sameData(t *testing.T, s store.Store) {
	t.Helper()
	again := put(t, s, "a", "n: 1", put(t, s, "a", "n: 1", ""))
	if now := get(t, s, "a", "n: 1").Version; now != again {
		t.Errorf("Put gave version %q, Get gives %q", again, now)
	}
}

// longKeys: a store keeps a key whole, or refuses it.
func longKeys(t *testing.T, s store.Store) {
	t.Helper()
	for _, n := range []int{100, 200, 300, 2000} {
		key := strings.Repeat("k", n)
		_, err := s.Put(t.Context(), key, []byte("n: 1"), "")
		if err == nil {
			get(t, s, key, "n: 1")
		} else if n <= 200 || errors.Is(err, store.ErrConflict) {
			t.Errorf("a key of %d bytes: %v", n, err)
		}
		if err != nil {
			_, err = s.Get(t.Context(), key)
			is(t, err, fs.ErrNotExist)
		}
	}
}

func list(t *testing.T, s store.Store) {
	t.Helper()
	want := []string{}
	listed := func(prefix string) {
		t.Helper()
		keys, err := s.List(t.Context(), prefix)
		is(t, err, nil)
		if !slices.Equal(keys, want) {
			t.Errorf("List(%q) = %q, want %q", prefix, keys, want)
		}
	}
	listed("")
	for _, key := range []string{"b", "a/2", "a/10", "a", "ab", "A"} {
		put(t, s, key, "n: 1", "")
	}
	want = []string{"A", "a", "a/10", "a/2", "ab", "b"}
	listed("")
	want = []string{"a/10", "a/2"}
	listed("a/")
	want = []string{}
	listed("nothing")
	put(t, s, "a/10", "", get(t, s, "a/10", "n: 1").Version)
	want = []string{"a/2"}
	listed("a/")
}

func oddKeys(t *testing.T, s store.Store) {
	t.Helper()
	keys := OddKeys()
	for i, key := range keys {
		put(t, s, key, fmt.Sprintf("n: %d", i), "")
	}
	for i, key := range keys {
		get(t, s, key, fmt.Sprintf("n: %d", i))
	}
	got, err := s.List(t.Context(), "")
	is(t, err, nil)
	slices.Sort(keys)
	if !slices.Equal(got, keys) {
		t.Errorf("List gives %q, want %q", got, keys)
	}
	if _, err := s.Put(t.Context(), "\xff", []byte("{}"), ""); err == nil {
		t.Error("a key that is not UTF-8 was taken")
	}
}

func oddDocuments(t *testing.T, s store.Store) {
	t.Helper()
	for i, data := range OddDocuments() {
		put(t, s, strconv.Itoa(i), data, "")
	}
	for i, data := range OddDocuments() {
		key := strconv.Itoa(i)
		doc := get(t, s, key, data)
		put(t, s, key, string(doc.Data), doc.Version)
		if again := get(t, s, key, data); !bytes.Equal(again.Data, doc.Data) {
			t.Errorf("written back as it was read, %q became %q", doc.Data, again.Data)
		}
	}
}

func large(t *testing.T, s store.Store) {
	t.Helper()
	var b strings.Builder
	b.WriteString("refs:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  refs/heads/feature-%d:\n    applied: \"%040d\"\n", i, i)
	}
	fmt.Fprintf(&b, "text: \"%s\"\n", strings.Repeat("word ", 50_000))
	put(t, s, "large", b.String(), "")
	get(t, s, "large", b.String())
}

func refused(t *testing.T, s store.Store) {
	t.Helper()
	for _, data := range []string{
		" ", "\n", "# only a comment", "null", "1", "text", "- a", "a: 1\na: 2", "a: [1", "a: 'x", "a: &x 1\nb: *x", "a: !!binary aGk=", "? [a]\n: b",
		"a: 1\n---\nb: 2", "a: \"\xff\"", "a: " + strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "a:\n" + strings.Repeat("- ", 1000) + "b",
	} {
		if version, err := s.Put(t.Context(), "a", []byte(data), ""); err == nil || errors.Is(err, store.ErrConflict) {
			t.Errorf("%.40q was taken: version %q, error %v", data, version, err)
		}
	}
	if _, err := s.Put(t.Context(), "a", []byte{}, ""); err == nil {
		t.Error("empty data was taken")
	}
	_, err := s.Get(t.Context(), "a")
	is(t, err, fs.ErrNotExist)
}

func notShared(t *testing.T, s store.Store) {
	t.Helper()
	data := []byte("n: 1")
	_, err := s.Put(t.Context(), "a", data, "")
	is(t, err, nil)
	clear(data)
	doc := get(t, s, "a", "n: 1")
	clear(doc.Data)
	get(t, s, "a", "n: 1")
}

func cancelled(t *testing.T, s store.Store) {
	t.Helper()
	version := put(t, s, "a", "n: 1", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Get(ctx, "a")
	is(t, err, context.Canceled)
	_, err = s.List(ctx, "")
	is(t, err, context.Canceled)
	_, err = s.Put(ctx, "a", []byte("n: 2"), version)
	is(t, err, context.Canceled)
	get(t, s, "a", "n: 1")
}

// put fails the test on an error; no data deletes.
func put(t *testing.T, s store.Store, key, data, version string) string {
	t.Helper()
	next, err := s.Put(t.Context(), key, bytesOf(data), version)
	if err != nil {
		t.Fatalf("put %q at %q: %v", key, data, err)
	}
	return next
}

// get fails the test unless the document means what want means.
func get(t *testing.T, s store.Store, key, want string) store.Document {
	t.Helper()
	doc, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	if err := SameMeaning(doc.Data, []byte(want)); err != nil {
		t.Errorf("get %q: %v", key, err)
	}
	return doc
}

// SameMeaning returns an error unless both texts decode to the same.
func SameMeaning(got, want []byte) error {
	var g, w any
	if err := yaml.Unmarshal(got, &g); err != nil {
		return fmt.Errorf("decode %q: %w", got, err)
	}
	if err := yaml.Unmarshal(want, &w); err != nil {
		return fmt.Errorf("decode %q: %w", want, err)
	}
	if !reflect.DeepEqual(g, w) && !bytes.Equal(got, want) {
		return fmt.Errorf("%.2000q means %.2000v, want %.2000v as in %.2000q", got, g, w, want)
	}
	return nil
}

func bytesOf(data string) []byte {
	if data == "" {
		return nil
	}
	return []byte(data)
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}
