package apptest

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// descriptionJSON is GitHub's own description of its REST API (MIT), cut down to what kitops uses.
//
//go:embed openapi.json
var descriptionJSON []byte

var quotedParameter = regexp.MustCompile(`\\\{[a-z_]+\\\}`)

// description is GitHub's description made ready to hold requests and answers against.
type description struct {
	operations []operation
	failure    *openapi3.Schema // basic-error, for every refusal that is not described
}

type operation struct {
	routers.Route
	path     *regexp.Regexp
	literals int // characters of the path outside its parameters: the more, the closer the match
}

// readDescription parses once for all GitHubs of a process: it takes a fifth of a second under the race detector, and nobody changes it.
//
//nolint:gochecknoglobals // made of a constant, as a compiled regexp is
var readDescription = sync.OnceValues(parseDescription)

func parseDescription() (*description, error) {
	doc, err := openapi3.NewLoader().LoadFromData(descriptionJSON)
	if err != nil {
		return nil, fmt.Errorf("read GitHub's description: %w", err)
	}
	for _, pull := range []string{"pull-request-simple", "pull-request"} { // whose head may be in a repository that was deleted
		doc.Components.Schemas[pull].Value.Properties["head"].Value.Properties["repo"] = doc.Components.Schemas["nullable-repository"]
	}
	d := &description{failure: doc.Components.Schemas["basic-error"].Value}
	for template, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			path, literals := compilePath(template, op)
			d.operations = append(d.operations, operation{
				Route: routers.Route{Spec: doc, Path: template, PathItem: item, Method: method, Operation: op},
				path:  path, literals: literals,
			})
			sharpen(template, op)
		}
	}
	return d, nil
}

// compilePath lets a parameter cross slashes where the description marks it so.
func compilePath(template string, op *openapi3.Operation) (*regexp.Regexp, int) {
	literals := len(template)
	pattern := quotedParameter.ReplaceAllStringFunc(regexp.QuoteMeta(template), func(s string) string {
		name := strings.Trim(s, `\{}`)
		literals -= len(name) + 2
		for _, p := range op.Parameters {
			if p.Value.Name == name && p.Value.In == openapi3.ParameterInPath && p.Value.Extensions["x-multi-segment"] == true {
				return "(?P<" + name + ">.*)"
			}
		}
		return "(?P<" + name + ">[^/]+)"
	})
	return regexp.MustCompile("^" + pattern + "$"), literals
}

// sharpen adds what the prose of GitHub's documentation says and its description leaves out.
func sharpen(template string, op *openapi3.Operation) {
	switch template {
	case "/app/installations":
		// An account is a user or an enterprise; this one place says that it is both.
		account := op.Responses.Status(200).Value.Content.Get("application/json").Schema.Value.Items.Value.Properties["account"].Value
		account.AnyOf, account.AllOf = account.AllOf, nil
	case "/repos/{owner}/{repo}/statuses/{sha}":
		most := uint64(descriptionMost)
		bodySchema(op).Properties["description"].Value.MaxLength = &most
	case "/repos/{owner}/{repo}/git/matching-refs/{ref}":
		// An older Enterprise Server answers by pages.
		op.AddParameter(openapi3.NewQueryParameter("page").WithSchema(openapi3.NewIntegerSchema()))
	}
	if s := bodySchema(op); s != nil && len(s.Properties) > 0 && s.AdditionalProperties.Schema == nil && s.AdditionalProperties.Has == nil {
		no := false
		s.AdditionalProperties.Has = &no
	}
}

func bodySchema(op *openapi3.Operation) *openapi3.Schema {
	if op.RequestBody == nil || op.RequestBody.Value.Content.Get("application/json") == nil {
		return nil
	}
	return op.RequestBody.Value.Content.Get("application/json").Schema.Value
}

// find returns the closest operation and the parameters of the path.
func (d *description) find(request *Request) (*operation, map[string]string) {
	path := numberToName(request.Path)
	var best *operation
	for i := range d.operations {
		op := &d.operations[i]
		if op.Method == request.Method && op.path.MatchString(path) && (best == nil || op.literals > best.literals) {
			best = op
		}
	}
	if best == nil {
		return nil, nil
	}
	params := map[string]string{}
	for i, value := range best.path.FindStringSubmatch(path) {
		if name := best.path.SubexpNames()[i]; name != "" {
			params[name] = value
		}
	}
	return best, params
}

// checkRequest holds a request against the description, also one that a fault will meet; false when its body does not arrive.
func (g *GitHub) checkRequest(request *Request, r *http.Request) bool {
	if g.spec == nil {
		return true
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	op, params := g.spec.find(request)
	if op == nil {
		g.violated(request, errors.New("no such operation"))
	} else if err := op.checkRequest(r, params, body); err != nil {
		g.violated(request, fmt.Errorf("request: %w", err))
	}
	return true
}

// checkAnswer holds an answer against the description.
func (g *GitHub) checkAnswer(request *Request, a *answer, sent []byte) {
	if g.spec == nil {
		return
	}
	op, _ := g.spec.find(request)
	if op == nil {
		return
	}
	if err := g.spec.checkAnswer(op, a, sent); err != nil {
		g.violated(request, fmt.Errorf("answer %d: %w", a.status, err))
	}
}

func (g *GitHub) violated(request *Request, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.violations = append(g.violations, request.Method+" "+request.Path+": "+err.Error())
}

// numberToName makes the undescribed addresses that renamed repositories redirect to look like the described ones.
func numberToName(path string) string {
	if rest, ok := strings.CutPrefix(path, "/repositories/"); ok {
		return "/repos/number/" + rest
	}
	return path
}

func (op *operation) checkRequest(r *http.Request, params map[string]string, body []byte) error {
	for name := range r.URL.Query() {
		if !slices.ContainsFunc(op.Operation.Parameters, func(p *openapi3.ParameterRef) bool {
			return p.Value.In == openapi3.ParameterInQuery && p.Value.Name == name
		}) {
			return fmt.Errorf("unknown parameter %s", name)
		}
	}
	in := r.Clone(context.Background())
	in.Body = io.NopCloser(bytes.NewReader(body))
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true}
	options.WithCustomSchemaErrorFunc(briefly)
	return openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: in, PathParams: params, QueryParams: r.URL.Query(), Route: &op.Route, Options: options,
	})
}

// checkAnswer of an operation takes refusals that are not described for GitHub's usual error.
func (d *description) checkAnswer(op *operation, a *answer, sent []byte) error {
	if a.status == http.StatusNotModified {
		if len(sent) > 0 {
			return fmt.Errorf("304 with a body")
		}
		return nil
	}
	response := op.Operation.Responses.Status(a.status)
	if response == nil {
		if a.status < 300 {
			return fmt.Errorf("undescribed")
		}
		return visit(d.failure, sent)
	}
	if a.media != "" {
		if response.Value.Content[strings.Replace(a.media, ".v3", "", 1)] == nil {
			return fmt.Errorf("undescribed media type %s", a.media)
		}
		if !fullSHA.Match(sent) {
			return fmt.Errorf("%q is no SHA", sent)
		}
		return nil
	}
	content := response.Value.Content.Get("application/json")
	if a.status == http.StatusNoContent && len(sent) == 0 {
		return nil
	}
	if content == nil {
		return visit(d.failure, sent)
	}
	return visit(content.Schema.Value, sent)
}

func visit(schema *openapi3.Schema, sent []byte) error {
	var value any
	if err := json.Unmarshal(sent, &value); err != nil {
		return err
	}
	return schema.VisitJSON(value, openapi3.VisitAsResponse(), openapi3.EnableFormatValidation(), openapi3.SetSchemaErrorMessageCustomizer(briefly))
}

// briefly leaves the schema and the value out: they may be pages long.
func briefly(err *openapi3.SchemaError) string {
	return "/" + strings.Join(err.JSONPointer(), "/") + ": " + err.Reason
}
