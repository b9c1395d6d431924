package settings

import (
	"reflect"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/cmd/kitops/yamlfile"
	"github.com/bittrance/kitops/poller"
)

// maxRetryPause is the longest time between two tries at a failing revision.
const maxRetryPause = time.Hour

// retries is off, or how often and after how long a revision that failed is tried again.
type retries struct {
	place
	value *poller.Retry
}

// retryKeys say how often.
type retryKeys struct {
	Times count `key:"times" need:"yes" range:"1-1000" help:"How many tries follow the first."`
	Pause span  `key:"pause" default:"the interval" help:"Before the first of them, doubled with each up to an hour."`
}

func (r *retries) read(f taskFile, n ast.Node, k key) {
	if text, ok := f.Value(n).(*ast.StringNode); ok && text.Value == "off" {
		r.value = &poller.Retry{}
		return
	}
	if _, ok := f.Value(n).(*ast.MappingNode); !ok {
		f.WrongType(n, k.name, "off or a mapping such as {times: 3, pause: 30s}")
		return
	}
	var keys retryKeys
	common := f.common
	f.common = false
	f.require(&keys, f.fill(&keys, n, k.name), k.name)
	f.common = common
	r.value = &poller.Retry{Times: keys.Times.value, Pause: keys.Pause.value}
	if r.value.Pause > maxRetryPause {
		f.Wrong(keys.Pause.node, "pause is at most 1h, which the pauses grow to")
	}
}

func (r *retries) shown() any {
	if r.value == nil || r.value.Times == 0 {
		return "off"
	}
	all := yaml.MapSlice{{Key: "times", Value: r.value.Times}}
	if r.value.Pause > 0 {
		all = append(all, yaml.MapItem{Key: "pause", Value: yamlfile.FormatDuration(r.value.Pause)})
	}
	return all
}

func (r *retries) inherit(from keyed) { take(r, from.(*retries)) }

func (r *retries) words() string { return "`off`, or mapping of `times` and `pause`" }

func (r *retries) schema(key, bool) schema {
	return schema{"anyOf": []schema{{"enum": []string{"off"}}, schemaOf(reflect.TypeFor[retryKeys](), false)}}
}

// aftermath is a list of actions, of which one may be rollback, or rollback alone.
type aftermath struct {
	list[actionKeys]
	back place // where it says so
}

const rollback = "rollback"

func (a *aftermath) read(f taskFile, n ast.Node, k key) {
	if text, ok := f.Value(n).(*ast.StringNode); ok {
		if text.Value != rollback {
			f.Wrong(n, "%s is a list of actions, or rollback, not %q", k.name, text.Value)
		}
		a.back = place{node: n, given: true}
		return
	}
	seq, ok := f.Value(n).(*ast.SequenceNode)
	if !ok {
		a.list.read(f, n, k)
		return
	}
	rest := *seq
	rest.Values = nil
	for _, node := range seq.Values {
		if text, ok := f.Value(node).(*ast.StringNode); ok && text.Value == rollback {
			a.back = place{node: node, given: true}
			continue
		}
		rest.Values = append(rest.Values, node)
	}
	if len(rest.Values) > 0 || !a.back.given {
		a.list.read(f, &rest, k)
	}
}

func (a *aftermath) shown() any {
	if !a.back.given {
		return a.list.shown()
	}
	all := []any{rollback}
	for i := range a.entries {
		all = append(all, show(&a.entries[i].keys))
	}
	return all
}

func (a *aftermath) inherit(from keyed) { take(a, from.(*aftermath)) }

func (a *aftermath) words() string { return "list of mappings, `rollback`, or both" }

func (a *aftermath) schema(key, bool) schema {
	return schema{"anyOf": []schema{{"enum": []string{rollback}}, {
		"type": "array", "minItems": 1,
		"items": schema{"anyOf": []schema{{"enum": []string{rollback}}, schemaOf(reflect.TypeFor[actionKeys](), false)}},
	}}}
}
