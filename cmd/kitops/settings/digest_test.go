package settings

import (
	"slices"
	"testing"
)

// TestDigestsOutliveAnUpgrade has tasks be what they were for the kitops before tags, paths and limits: what somebody has
// cancelled there, or what was a mistake, would run again otherwise.
func TestDigestsOutliveAnUpgrade(t *testing.T) {
	const source = `
tasks:
  - name: plain
    git: {url: https://github.com/acme/shop, branches: [main, "release/*"]}
    on_failure: [{run: x}]
    actions:
      - {name: build, entrypoint: /usr/bin/make, args: [all], environment: {A: b}}
      - {run: curl x, inherit_environment: true}
  - name: brought
    git: {url: https://github.com/acme/shop}
    config: .kitops.yaml
    on_nothing: silent
  - name: told
    git: {url: https://github.com/acme/shop}
    notify: [{to: ntfy, url: "https://ntfy.example/deploys"}]
    actions: [{run: x}]
  - name: told of some
    git: {url: https://github.com/acme/shop}
    notify: [{to: ntfy, url: "https://ntfy.example/deploys", on: [start, failure]}]
    actions: [{run: x}]
  - name: told of the former
    git: {url: https://github.com/acme/shop}
    notify: [{to: ntfy, url: "https://ntfy.example/deploys", on: [failure, error, recovery]}]
    actions: [{run: x}]
`
	tasks, mistakes := parse(t, source)
	if mistakes != "" || len(tasks) != 5 {
		t.Fatal(mistakes)
	}
	var digests []string
	for _, task := range tasks {
		digests = append(digests, task.Digest[:16])
	}
	if want := []string{"0f026f2dcf72e5fd", "2c7aa0e5e82f72d0", "9b257fa6fe2f15c1", "a758c0be1e39893a"}; !slices.Equal(digests[:4], want) {
		t.Errorf("%q, before %q", digests, want)
	}
	tasks[4].Name = tasks[2].Name
	if tasks[4].digested("x").Digest == tasks[2].digested("x").Digest {
		t.Error("who does not hear that kitops gives up is digested like who does")
	}
}
