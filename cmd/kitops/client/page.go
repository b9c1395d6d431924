package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"time"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/status"
	"github.com/bittrance/kitops/status/api"
)

// opening is how long a browser has to read the file that it was told to open.
const opening = 10 * time.Second

// Page prints where to log in to the agent's page, once. Browse opens a file in a browser, or returns the command that
// brings the address to another machine, "" for neither.
func (c *Client) Page(ctx context.Context, browse func(page, address string) (tunnel string)) error {
	var answer api.Invitation
	err := c.ask(ctx, "POST", "page/login", &answer)
	switch {
	case errors.Is(err, errNoAgent):
		return fmt.Errorf("no agent answers at %s: the page is a running agent's (--page ADDRESS)", c.socket())
	case err != nil:
		return err
	case c.JSON:
		return c.print(answer)
	}
	fmt.Fprintln(c.Out, status.Printable(answer.Address))
	fmt.Fprintf(c.Err, "the address logs in once, until %s\n", answer.Until.Local().Format("15:04"))
	if !c.Terminal {
		return nil
	}
	dir, err := files.MakeTemp("kitops-page-")
	if err != nil {
		return fmt.Errorf("open the browser: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir.Path()); _ = dir.Close() }()
	file := filepath.Join(dir.Path(), "login.html")
	text, err := posting(answer)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("open the browser: %w", err)
	}
	if tunnel := browse(file, answer.Login); tunnel != "" {
		fmt.Fprintf(c.Err, "to reach it from your own machine: %s\n", tunnel)
		return nil
	}
	select { // the file goes with this command
	case <-time.After(opening):
	case <-ctx.Done():
	}
	return nil
}

// posting is a document that logs in by itself: the code is in no address, which others of the machine could see among the
// arguments of the browser.
func posting(answer api.Invitation) ([]byte, error) {
	page, err := template.New("").Parse(`<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>kitops</title>
<form method="post" action="{{.Login}}"><input type="hidden" name="code" value="{{.Code}}"><button>Log in to kitops</button></form>
<script>document.forms[0].submit()</script></html>
`)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = page.Execute(&out, answer)
	return out.Bytes(), err
}

// Revoke logs everybody out of the agent's page.
func (c *Client) Revoke(ctx context.Context) error {
	var answer api.Ordered
	err := c.ask(ctx, "DELETE", "page/sessions", &answer)
	if errors.Is(err, errNoAgent) {
		return fmt.Errorf("no agent answers at %s", c.socket())
	}
	return c.tell("page", answer, err)
}
