package settings

import (
	"errors"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/status/page"
)

// checkPage finds the mistakes in what is said about the page, for judge to name by their option.
func checkPage(c page.Config, clientSecretFile string, judge func(key string, err error)) {
	judge("PAGE", checkListen(c.PageAddress))
	judge("PAGE_URL", c.CheckURL())
	if c.PageAddress == "" {
		err := errors.New("is of no use without --page")
		judge("PAGE_URL", err)
		judge("PAGE_PUBLIC", err)
	}
	_, err := app.ReadClientSecret(clientSecretFile)
	judge("GITHUB_CLIENT_SECRET_FILE", err)
}

// Text is a task as a task file has it, with secrets masked.
func (t Task) Text() (string, error) {
	keys := t.shown()
	data, err := yaml.MarshalWithOptions(show(&keys), yaml.IndentSequence(true))
	return string(data), err
}
