package metrics

import (
	"strconv"
	"strings"
)

// contentType is that of version 0.0.4 of the text format:
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// prefix begins every name.
const prefix = "kitops_"

// The kinds of families.
const (
	counter = "counter"
	gauge   = "gauge"
)

// text is an answer that is being written.
type text struct {
	strings.Builder
	name string // of the family
}

// family begins a metric. Its samples follow.
func (t *text) family(kind, name, help string) {
	t.name = prefix + name
	t.WriteString("# HELP " + t.name + " " + help + "\n# TYPE " + t.name + " " + kind + "\n")
}

// label is a name and any value.
type label struct{ name, value string }

// sample adds a value to the family.
func (t *text) sample(value float64, labels ...label) { t.line("", value, labels...) }

func (t *text) line(suffix string, value float64, labels ...label) {
	t.WriteString(t.name + suffix)
	for i, l := range labels {
		t.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		t.WriteString(l.name + `="` + escaped(l.value) + `"`)
	}
	if len(labels) > 0 {
		t.WriteByte('}')
	}
	t.WriteString(" " + number(value) + "\n")
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// escaped is a label's value as the format has it.
func escaped(value string) string {
	if !strings.ContainsAny(value, "\\\"\n") {
		return value
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
}
