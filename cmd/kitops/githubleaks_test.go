//go:build unix

package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// listener is a service on this host that keeps all that it is told.
type listener struct {
	*httptest.Server
	mu  sync.Mutex
	all []string
}

func newListener(t *testing.T) *listener {
	t.Helper()
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, r.URL.String()+"\n"+fmt.Sprint(r.Header)+"\n"+string(body))
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) heard() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// TestNoSecretIsInAnyRequest: whatever form an action prints its secrets in, and in how many writes, none of them is in a
// path, a header or the body of a request: check runs with log, summary and annotations, progress, a deployment, a comment
// on a pull request, notifications.
func TestNoSecretIsInAnyRequest(t *testing.T) {
	s := newCheckScene(t)
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "checks": "write", "deployments": "write", "pull_requests": "write"})
	secrets := map[string]string{
		"a file": `s3cr3t%of,the:shop/+="q" <&>`, "the environment": "an-entry%25of-it", "a mask": "named-by%the,action",
		"a key": "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQC7\n-----END KEY-----",
	}
	var forms strings.Builder
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		for _, form := range apptest.Forms(secrets[name]) {
			fmt.Fprintln(&forms, form)
		}
		command := apptest.Forms(secrets[name])["command"]
		parameter := apptest.Forms(secrets[name])["parameter"]
		fmt.Fprintf(&forms, "::error file=README.md,line=1,title=%s::%s and %s\n", parameter, command, parameter)
		fmt.Fprintf(&forms, "::notice file=README.md,title=%s::\x1b[31m%s\x1b[0m\n", parameter[:4]+"\x1b[1m"+parameter[4:], command)
	}
	service := newListener(t)
	s.write("url", service.URL+"/hook\n")
	s.write("notes", "signed with this\n")
	s.write("forms", forms.String())
	s.write("token", secrets["a file"]+"\n")
	s.write("key", secrets["a key"]+"\n")
	s.write("work", fmt.Sprintf(`
printf '::add-mask::%%s\n' '%s'
cat $PLACE/forms
dd if=$PLACE/forms bs=11 2>/dev/null
printf 'the key: '; printf %%s "$CERTIFICATE" | base64 -w 20
mkdir out; cat $PLACE/forms > out/plan.md
exit 3`, strings.ReplaceAll(secrets["a mask"], "%", "%25")))
	s.AddUser("mona")
	pull := s.shop.OpenPull("mona", apptest.PullOptions{Branch: "feature", Files: map[string]string{"file": "one"}})
	agent := s.start(s.tasks(`
notify:
  - {to: webhook, url_file: $PLACE/url, secret_file: $PLACE/notes, on: [start, failure]}
  - {to: slack, url_file: $PLACE/url, on: [start, failure]}
  - {to: discord, url_file: $PLACE/url, on: [failure]}
  - {to: teams, url_file: $PLACE/url, on: [failure]}
  - {to: ntfy, url: ` + service.URL + `/topic, on: [failure]}
tasks:
  - name: shop
    git: {url: $GITHUB/acme/shop, branches: ["**"]}
    on_new: run
    retry: "off"
    github: {report: check, check_log: tail, environment: production, environment_url: "https://shop.example.com/{sha}", comment: out/plan.md}
    secrets: {SECRET: {file: $PLACE/token}, CERTIFICATE: {file: $PLACE/key}}
    actions:
      - name: work
        run: sh $PLACE/work
        environment: {API_TOKEN: ` + secrets["the environment"] + `, PLACE: $PLACE}
    always: [{name: after, run: cat ${DOLLAR}KITOPS_LOG_FILE}]
`)...)
	red := s.awaitChecks(s.first, "failure")[0]
	s.awaitChecks(pull.Head(), "failure")
	s.awaitDeployed(s.first, "failure")
	s.await("the comment", func() bool { return len(pull.Comments()) == 1 })
	s.await("all notifications", func() bool { return len(service.heard()) >= 7 })
	agent.stop()
	if len(red.Annotations) < 2*len(secrets) || !strings.Contains(red.Output.Text, "***") || !strings.Contains(pull.Comments()[0].Body, "***") {
		t.Errorf("%+v\n%s", red, pull.Comments()[0].Body)
	}
	for _, a := range red.Annotations {
		if strings.ContainsAny(a.Message+a.Title, "\x1b\x00") {
			t.Errorf("%q, %q", a.Title, a.Message)
		}
	}
	raws, err := s.Raws()
	if err != nil {
		t.Error(err)
	}
	var texts []string
	for _, r := range raws {
		texts = append(texts, r.Target, fmt.Sprint(r.Header), string(r.Body))
	}
	texts = append(texts, service.heard()...)
	for _, heard := range service.heard() {
		_, body, _ := strings.Cut(heard, "]\n")
		texts = append(texts, body)
	}
	for name, secret := range secrets {
		lines := []string{secret}
		for line := range strings.Lines(secret) {
			lines = append(lines, strings.TrimSpace(line))
		}
		all := apptest.NewSecrets(lines...)
		for _, text := range texts {
			if found := all.Leaks([]byte(text)); len(found) > 0 {
				t.Errorf("%s is in a request as %q:\n%s", name, found, text)
			}
		}
	}
}
