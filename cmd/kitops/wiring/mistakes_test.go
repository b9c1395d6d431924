package wiring

import (
	"errors"
	"strings"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
)

func TestMistakes(t *testing.T) {
	path := settingstest.At(t, settingstest.File("", "", ""))
	one := []string{"--url=x", "--action=y"}
	tests := map[string]struct {
		environ, args []string
		want          string
	}{
		"nothing":           {nil, nil, "nothing to do: give --url and --action, or --config-file"},
		"no action":         {[]string{"KITOPS_URL=x"}, nil, "KITOPS_URL without --action"},
		"no url":            {nil, []string{"--action=x"}, "--action without --url"},
		"empty variable":    {[]string{"KITOPS_INTERVAL="}, one, "KITOPS_INTERVAL: empty duration"},
		"empty flag":        {nil, append(one, "--interval="), "--interval: empty duration"},
		"empty instance":    {[]string{"KITOPS_INSTANCE="}, one, "KITOPS_INSTANCE: empty name"},
		"empty boolean":     {[]string{"KITOPS_POLL_ONCE="}, one, "KITOPS_POLL_ONCE: empty value"},
		"empty url":         {[]string{"KITOPS_URL="}, []string{"--action=x"}, "KITOPS_URL: empty url"},
		"empty branch":      {nil, append(one, "--branch="), "--branch: empty branch"},
		"blank branches":    {[]string{"KITOPS_BRANCH=\n \n"}, one, "KITOPS_BRANCH: empty branch"},
		"bad duration":      {nil, append(one, "--timeout=5"), `--timeout: "5" has no unit`},
		"zero":              {nil, append(one, "--interval=0"), "--interval: must be positive"},
		"bad boolean":       {[]string{"KITOPS_POLL_ONCE=maybe"}, one, `KITOPS_POLL_ONCE: "maybe" is not true or false`},
		"bad number":        {nil, append(one, "--max-parallel=x"), `--max-parallel: "x" is not a whole number`},
		"no parallel":       {nil, append(one, "--max-parallel=0"), "--max-parallel: must be at least 1"},
		"log format":        {nil, append(one, "--log-format=xml"), `--log-format: "xml" is none of console, text, journal, json`},
		"log level":         {[]string{"KITOPS_LOG_LEVEL=loud"}, one, `KITOPS_LOG_LEVEL: "loud" is none of`},
		"instance":          {nil, append(one, "--instance=a\nb"), "--instance: contains the unprintable"},
		"bad url":           {nil, []string{"--url=gopher://x/y", "--action=x"}, "--url: "},
		"nameless url":      {nil, []string{"--url=/", "--action=x"}, "--url: leaves the name empty"},
		"bad branch":        {nil, append(one, "--branch=a..b"), "--branch: "},
		"bad environment":   {nil, append(one, "--environment=A=1", "--environment=hunter2"), "--environment: entry 2 is not NAME=VALUE"},
		"nameless":          {nil, append(one, "--environment==1"), "--environment: \"\" cannot name a variable"},
		"ssh key":           {nil, append(one, "--ssh-key-file=missing"), "--ssh-key-file: "},
		"no key":            {nil, append(one, "--ssh-key-file="+path), "holds no private key"},
		"conflict":          {[]string{"KITOPS_URL="}, []string{"--config-file", path, "--branch=x"}, "--config-file and KITOPS_URL exclude each other"},
		"conflicting flag":  {[]string{"KITOPS_CONFIG_FILE=" + path}, []string{"--action=x"}, "KITOPS_CONFIG_FILE and --action exclude each other"},
		"conflicting file":  {nil, []string{"--config-file", path, "--action-file=x"}, "--config-file and --action-file exclude each other"},
		"empty config file": {[]string{"KITOPS_CONFIG_FILE="}, nil, "KITOPS_CONFIG_FILE: empty file"},
		"no config file":    {nil, []string{"--config-file=missing"}, "missing: no such file"},
		"status url":        {nil, append(one, "--status-url=ci.example.com/{run}"), "--status-url: must look like https://"},
		"status scheme":     {nil, append(one, "--status-url=ftp://ci.example.com/"), "--status-url: must look like https://"},
		"status template":   {nil, append(one, "--status-url=https://ci.example.com/{branch}"), "--status-url: {branch} is none of {task}, {sha}, {run}"},
		"empty status url":  {[]string{"KITOPS_STATUS_URL="}, one, "KITOPS_STATUS_URL: empty url"},
		"status context":    {nil, append(one, "--github-status-context="+strings.Repeat("x", 256)), "--github-status-context: longer than 255 characters"},
		"app id":            {nil, append(one, "--github-app-id=0x1"), `--github-app-id: "0x1" is neither`},
		"half an app":       {nil, append(one, "--github-app-id=1"), "--github-app-id without --github-private-key-file"},
		"other half":        {[]string{"KITOPS_GITHUB_PRIVATE_KEY=x"}, one, "KITOPS_GITHUB_PRIVATE_KEY without --github-app-id"},
		"bad key":           {[]string{"KITOPS_GITHUB_PRIVATE_KEY=hunter2"}, one, "KITOPS_GITHUB_PRIVATE_KEY: this is no private key in PEM"},
		"empty key":         {[]string{"KITOPS_GITHUB_PRIVATE_KEY="}, one, "KITOPS_GITHUB_PRIVATE_KEY: empty value"},
		"no key file":       {nil, append(one, "--github-app-id=1", "--github-private-key-file=missing"), "--github-private-key-file: stat missing"},
		"another file":      {nil, append(one, "--github-app-id=1", "--github-private-key-file="+path), "--github-private-key-file: " + path + ": this is no private key in PEM"},
		"plain http":        {nil, append(one, "--github-api-url=http://github.example.com"), "--github-api-url: must be https"},
		"listen":            {nil, append(one, "--listen=8080"), "--listen: address 8080: missing port"},
		"two secrets":       {[]string{"KITOPS_WEBHOOK_SECRET=hunter2"}, append(one, "--webhook-secret-file="+path), "--webhook-secret-file: excludes KITOPS_WEBHOOK_SECRET"},
		"empty secret":      {[]string{"KITOPS_WEBHOOK_SECRET="}, one, "KITOPS_WEBHOOK_SECRET: empty value"},
		"blank secret":      {[]string{"KITOPS_WEBHOOK_SECRET= \n"}, one, "KITOPS_WEBHOOK_SECRET: webhook secret: it holds no secret"},
		"no secret file":    {nil, append(one, "--webhook-secret-file=missing"), "--webhook-secret-file: read webhook secrets: open missing"},
		"half a TLS":        {nil, append(one, "--listen=:1", "--tls-key-file=x"), "--tls-cert-file: certificate and key go together"},
		"no certificate":    {nil, append(one, "--listen=:1", "--tls-cert-file=missing", "--tls-key-file=missing"), "--tls-cert-file: open missing"},
		"TLS for nothing":   {nil, append(one, "--tls-cert-file=missing", "--tls-key-file=missing"), "there is nothing to serve without --listen"},
		"proxy":             {nil, append(one, "--trusted-proxy=10.0.0.0/99"), `--trusted-proxy: "10.0.0.0/99" is not a network`},
		"relay":             {[]string{"KITOPS_WEBHOOK_SECRET=x"}, append(one, "--webhook-relay=hunter2"), "--webhook-relay: it must be the URL of a channel"},
		"relay, no secret":  {nil, append(one, "--webhook-relay=https://smee.io/hunter2"), "--webhook-relay: needs the webhook secret"},
		"deliveries":        {nil, append(one, "--deliveries-interval=-1s"), "--deliveries-interval: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := checked(t, test.environ, test.args...)
			var mistakes *settings.Error
			if !errors.As(err, &mistakes) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the mistake shows a value: %v", err)
			}
		})
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	path := settingstest.At(t, settingstest.File("brnach: x", "interval: 5", ""))
	_, err := checked(t, []string{"KITOPS_TIMEOUT=x", "KITOPS_LOG_LEVEL="}, "--config-file", path, "--url=x", "--max-parallel=0")
	var mistakes *settings.Error
	if !errors.As(err, &mistakes) || len(mistakes.Unwrap()) != 6 || strings.Count(err.Error(), "\n") != 5 {
		t.Errorf("%v", err)
	}
}
