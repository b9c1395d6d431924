package settings

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// A key of the task file is a field whose tags are the one place where it is
// declared. What is known, read, inherited from defaults, printed by check and
// written into the documents and the JSON schema follows from them:
//
//	key      its name
//	values   the texts it takes, with commas
//	default  what counts when it is missing
//	help     one or two sentences for people
//	need     yes, or the names of keys of which one must be there, with bars
//	not      keys that exclude it, with commas; clash is what to say then
//	own      yes: each task's own, never one of defaults
//	shared   yes: a mapping of defaults
//	elsewhere yes: what it needs may come from defaults, which a schema cannot see
//	each     what a list calls one of its entries
//	null     what to write instead of no value
//	range    the least and the most of a whole number, with a hyphen
type key struct {
	name, help, fallback, each string
	values, need, not          []string
	clash, null                string
	least, most                int
	own, shared, elsewhere     bool
	index                      int
}

// keyed is the value of a key. It has a place in the file when it was given there.
type keyed interface {
	read(f taskFile, n ast.Node, k key)
	at() *place
	shown() any // as check prints it
	inherit(from keyed)
	words() string // what it is, for people
	schema(k key, common bool) schema
}

// place is where a value was given.
type place struct {
	node      ast.Node // nil: in no file
	given     bool
	inherited bool // from defaults
}

func (p *place) at() *place { return p }

func split(list, by string) []string {
	return slices.DeleteFunc(strings.Split(list, by), func(name string) bool { return name == "" })
}

// keysOf are the keys that a struct declares, in its order.
func keysOf(t reflect.Type) []key {
	var all []key
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		if name := tag.Get("key"); name != "" {
			least, most, _ := strings.Cut(tag.Get("range"), "-")
			all = append(all, key{
				least: bound(least), most: bound(most),
				name: name, help: tag.Get("help"), fallback: tag.Get("default"), each: tag.Get("each"),
				values: split(tag.Get("values"), ","), need: split(tag.Get("need"), "|"), not: split(tag.Get("not"), ","),
				clash: tag.Get("clash"), null: tag.Get("null"), own: tag.Get("own") != "", shared: tag.Get("shared") != "", elsewhere: tag.Get("elsewhere") != "", index: i,
			})
		}
	}
	return all
}

// bound is one end of a range; 0 for none.
func bound(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func valueOf(keys reflect.Value, k key) keyed { return keys.Field(k.index).Addr().Interface().(keyed) }

// fill reads a mapping into a struct of keys. It returns the mapping's node.
func (f taskFile) fill(keys any, n ast.Node, what string) ast.Node {
	v := reflect.ValueOf(keys).Elem()
	all := keysOf(v.Type())
	var names []string
	for _, k := range all {
		names = append(names, k.name)
	}
	m := f.Mapping(n, what, names...)
	for _, k := range all {
		value, ok := m.Values[k.name]
		if !ok {
			continue
		}
		if k.own && f.common {
			f.Wrong(value, "%s is each task's own; it cannot stand in defaults", k.name)
			continue
		}
		*valueOf(v, k).at() = place{node: value, given: true}
		valueOf(v, k).read(f, value, k)
	}
	f.exclude(v, all)
	return m.Node
}

// exclude notes keys that are given side by side and exclude each other.
func (f taskFile) exclude(v reflect.Value, all []key) {
	for _, k := range all {
		for _, name := range k.not {
			if i := slices.IndexFunc(all, func(k key) bool { return k.name == name }); valueOf(v, k).at().given && valueOf(v, all[i]).at().given {
				says := k.clash
				if says == "" {
					says = name + " and " + k.name + " exclude each other"
				}
				f.Wrong(valueOf(v, k).at().node, "%s", says)
				break
			}
		}
	}
}

// require notes keys that are missing after all was inherited.
func (f taskFile) require(keys any, n ast.Node, what string) {
	if _, ok := f.Value(n).(*ast.MappingNode); !ok || f.common {
		return // that was the mistake
	}
	v := reflect.ValueOf(keys).Elem()
	all := keysOf(v.Type())
	for _, k := range all {
		if len(k.need) == 0 {
			continue
		}
		there := slices.ContainsFunc(all, func(other key) bool {
			return valueOf(v, other).at().given && (other.name == k.name || slices.Contains(k.need, other.name))
		})
		if !there {
			f.Wrong(n, "%s has no %s", what, k.name)
		}
	}
}

// inherit fills in the keys that are missing, unless one is given that excludes them.
func inherit(keys, defaults any) {
	to, from := reflect.ValueOf(keys).Elem(), reflect.ValueOf(defaults).Elem()
	all := keysOf(to.Type())
	var own []key
	for _, k := range all {
		if valueOf(to, k).at().given {
			own = append(own, k)
		}
	}
	for _, k := range all {
		excluded := slices.ContainsFunc(own, func(other key) bool {
			return other.name != k.name && (slices.Contains(k.not, other.name) || slices.Contains(other.not, k.name))
		})
		if valueOf(from, k).at().given && !excluded {
			valueOf(to, k).inherit(valueOf(from, k))
		}
	}
}

// show is a struct of keys as a task file has it.
func show(keys any) yaml.MapSlice {
	v := reflect.ValueOf(keys).Elem()
	var all yaml.MapSlice
	for _, k := range keysOf(v.Type()) {
		if value := valueOf(v, k); value.at().given {
			all = append(all, yaml.MapItem{Key: k.name, Value: value.shown()})
		}
	}
	return all
}
