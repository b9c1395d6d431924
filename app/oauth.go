package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/secret"
)

// OAuth logs people in with the GitHub of an App. Concurrent use is safe.
type OAuth struct {
	App      *App
	Secret   secret.Text // of the App's client
	Redirect string      // where GitHub sends people back to
}

// maxUserPages bounds how many pages of repositories, of a hundred each, are read for one user.
const maxUserPages = 100

// Authorize is where a browser is sent to log in. GitHub returns state with a code; only who has the verifier
// can use that (RFC 7636).
func (o OAuth) Authorize(ctx context.Context, state, verifier string) (string, error) {
	client, err := o.App.clientID(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"client_id": {client}, "redirect_uri": {o.Redirect}, "state": {state}, "allow_signup": {"false"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	return o.App.address.web + "/login/oauth/authorize?" + query.Encode(), nil
}

// LogIn trades the code that GitHub sent a browser back with. The user's token is revoked before it returns.
func (o OAuth) LogIn(ctx context.Context, code, verifier string) (u Person, err error) {
	client, err := o.App.clientID(ctx)
	if err != nil {
		return Person{}, err
	}
	token, err := o.exchange(ctx, client, code, verifier)
	if err != nil {
		return Person{}, err
	}
	defer func() { err = errors.Join(err, o.revoke(context.WithoutCancel(ctx), client, token)) }()
	line := o.App.newLine(o.App.http, "a user who logs in")
	ask := func(path string, v any) (next int, err error) {
		ans, err := line.do(ctx, call{method: http.MethodGet, path: path, token: token, class: ordinary})
		if err != nil {
			return 0, err
		}
		return ans.nextPage, ans.decode(v)
	}
	if _, err := ask("user", &u); err != nil {
		return Person{}, err
	}
	if u.ID <= 0 || !isAccount(u.Login) {
		return Person{}, &DownError{errors.New("its answer names no user")}
	}
	u.Reaches, err = reached(ask)
	return u, err
}

// reached lists the repositories of the App that a user reaches.
// https://docs.github.com/rest/apps/installations#list-repositories-accessible-to-the-user-access-token
func reached(ask func(path string, v any) (next int, err error)) (map[int64]Access, error) {
	all, pages := map[int64]Access{}, 0
	each := func(path string, page func(path string) (next int, err error)) error {
		for number := 1; number > 0; pages++ {
			if pages == maxUserPages {
				return fmt.Errorf("the user reaches more than %d repositories of this App", maxUserPages*100)
			}
			next, err := page(fmt.Sprintf("%s?per_page=100&page=%d", path, number))
			if err != nil {
				return err
			}
			number = next
		}
		return nil
	}
	var installations []int64
	err := each("user/installations", func(path string) (int, error) {
		var body struct {
			Installations []struct {
				ID          int64      `json:"id"`
				SuspendedAt *time.Time `json:"suspended_at"`
			} `json:"installations"`
		}
		next, err := ask(path, &body)
		for _, i := range body.Installations {
			if i.SuspendedAt == nil { // of others GitHub lists nothing, and refuses to
				installations = append(installations, i.ID)
			}
		}
		return next, err
	})
	for _, id := range installations {
		if err != nil {
			break
		}
		err = each(fmt.Sprintf("user/installations/%d/repositories", id), func(path string) (int, error) {
			var body struct {
				Repositories []struct {
					ID          int64  `json:"id"`
					FullName    string `json:"full_name"`
					Private     bool   `json:"private"`
					Permissions struct{ Admin, Push bool }
				} `json:"repositories"`
			}
			next, err := ask(path, &body)
			for _, r := range body.Repositories {
				all[r.ID] = Access{Name: r.FullName, Private: r.Private, Push: r.Permissions.Push || r.Permissions.Admin}
			}
			return next, err
		})
	}
	return all, err
}

// clientID is what OAuth calls the App.
func (a *App) clientID(ctx context.Context) (string, error) {
	if strings.ContainsFunc(a.id, func(r rune) bool { return r < '0' || r > '9' }) {
		return a.id, nil
	}
	self, err := a.self(ctx)
	if err == nil && self.ClientID == "" {
		err = &DownError{errors.New("its answer names no client ID of the App")}
	}
	return self.ClientID, err
}

// exchange gets a user's token.
// https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
func (o OAuth) exchange(ctx context.Context, client, code, verifier string) (secret.Text, error) {
	form := url.Values{
		"client_id": {client}, "client_secret": {o.Secret.Reveal()}, "code": {code}, "redirect_uri": {o.Redirect}, "code_verifier": {verifier},
	}
	ctx, cancel := context.WithTimeout(ctx, o.App.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.App.address.web+"/login/oauth/access_token", strings.NewReader(form.Encode()))
	if err != nil {
		return secret.Text{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", o.App.userAgent)
	var answer struct {
		Token       secret.Text `json:"access_token"`
		Error       string      `json:"error"`
		Description string      `json:"error_description"`
	}
	status, err := plainly(o.App.strangers, req, &answer)
	switch {
	case err != nil:
		return secret.Text{}, err
	case answer.Error == "incorrect_client_credentials":
		return secret.Text{}, &SetupError{"GitHub refuses the client secret of App " + o.App.id, "make a new one on the App's settings page, for --github-client-secret-file"}
	case answer.Error == "redirect_uri_mismatch":
		return secret.Text{}, &SetupError{"GitHub does not send people back to " + o.Redirect, "add it as a callback URL on the App's settings page"}
	case answer.Error != "":
		return secret.Text{}, &CodeError{quote(answer.Error + ": " + answer.Description)}
	case status != http.StatusOK || !answer.Token.Given():
		return secret.Text{}, &DownError{fmt.Errorf("it trades no code for a token: %d", status)}
	}
	return answer.Token, nil
}

// CodeError says that a code is none of GitHub's, or was used, or is too old.
type CodeError struct{ problem string }

func (e *CodeError) Error() string { return "GitHub does not take the code: " + e.problem }

// revoke gives a user's token back. https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token
func (o OAuth) revoke(ctx context.Context, client string, token secret.Text) error {
	ctx, cancel := context.WithTimeout(ctx, o.App.timeout)
	defer cancel()
	body, err := json.Marshal(map[string]string{"access_token": token.Reveal()})
	if err != nil {
		return err
	}
	address := o.App.address.api.JoinPath("applications", client, "token").String()
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(client, o.Secret.Reveal())
	req.Header.Set("Accept", jsonMedia)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", o.App.userAgent)
	status, err := plainly(o.App.http, req, nil)
	if err == nil && status != http.StatusNoContent && status != http.StatusNotFound { // gone is what is wanted
		err = fmt.Errorf("revoke the token of a user who logged in: %d", status)
	}
	return err
}

// plainly makes a request without the limits of a line, and decodes its answer.
func plainly(client *http.Client, req *http.Request, v any) (status int, err error) {
	resp, err := client.Do(req)
	if err != nil {
		return 0, silence(req.Context(), call{method: req.Method, path: strings.TrimPrefix(req.URL.Path, "/")}, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && v != nil && resp.StatusCode < http.StatusInternalServerError {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return resp.StatusCode, &DownError{fmt.Errorf("its answer is malformed (%d)", resp.StatusCode)}
	}
	return resp.StatusCode, nil
}
