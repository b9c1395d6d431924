package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/bittrance/kitops/poller/secret"
)

// spare is how long before its end a token is replaced, so that what begins with it can also finish.
const spare = 5 * time.Minute

// token is an installation token, with what it may do.
type token struct {
	secret      secret.Text
	expires     time.Time // by GitHub's clock
	permissions map[string]string
	made        time.Time // by this host's clock
}

// tokenRequest is the body that asks for one. https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
type tokenRequest struct {
	Permissions   map[string]string `json:"permissions"`
	RepositoryIDs []int64           `json:"repository_ids,omitempty"`
}

// current is the shared token, or none when it must be replaced: soon over, or not of the permissions that are granted now.
func (i *installation) current() token {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.token.secret.Given() || !i.app.clock.now().Before(i.token.expires.Add(-spare)) || !maps.Equal(i.token.permissions, i.usable()) {
		return token{}
	}
	return i.token
}

// drop forgets the shared token if it is still this one.
func (i *installation) drop(refused secret.Text) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.token.secret == refused {
		i.token = token{}
	}
}

// secret is what the shared token is to those who only hand it on.
func (i *installation) secret(ctx context.Context) (secret.Text, error) {
	t, err := i.shared(ctx)
	return t.secret, err
}

// shared returns the shared token, made if need be by one caller for all.
func (i *installation) shared(ctx context.Context) (token, error) {
	if err := i.denied.standing(); err != nil {
		return token{}, err
	}
	if t := i.current(); t.secret.Given() {
		return t, nil
	}
	if err := i.refreshing.lock(ctx); err != nil {
		return token{}, err
	}
	defer i.refreshing.unlock()
	if err := i.denied.standing(); err != nil {
		return token{}, err
	}
	if t := i.current(); t.secret.Given() {
		return t, nil
	}
	t, err := i.issue(ctx)
	if err != nil {
		return token{}, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.token = t
	return t, nil
}

// issue asks for a shared token. What is granted may have changed since it was learned: then it learns and asks again.
func (i *installation) issue(ctx context.Context) (token, error) {
	if err := i.require(ctx, "contents", "read", i.app.recheck); err != nil {
		return token{}, i.refused(err)
	}
	t, err := i.ask(ctx, tokenRequest{Permissions: i.usableNow()})
	if status, _ := answered(err); status == http.StatusUnprocessableEntity {
		if err := i.learn(ctx); err != nil {
			return token{}, err
		}
		if err := i.require(ctx, "contents", "read", i.app.recheck); err != nil {
			return token{}, i.refused(err)
		}
		t, err = i.ask(ctx, tokenRequest{Permissions: i.usableNow()})
	}
	if err != nil {
		return token{}, i.refused(err)
	}
	i.denied.clear()
	return t, nil
}

func (i *installation) usableNow() map[string]string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.usable()
}

// refused remembers GitHub's no to a token. Of an App that is refused itself, or an API that is down, others keep the memory.
func (i *installation) refused(err error) error {
	status, _ := answered(err)
	_, lacking := errors.AsType[*PermissionError](err)
	if lacking || status != 0 {
		return i.deny(besides(err))
	}
	return err
}

// ask makes a token of the given scope.
func (i *installation) ask(ctx context.Context, scope tokenRequest) (token, error) {
	a, err := i.app.do(ctx, call{
		method: http.MethodPost, path: fmt.Sprintf("app/installations/%d/access_tokens", i.id), body: scope, class: ordinary,
	})
	status, _ := answered(err)
	switch {
	case status == http.StatusNotFound:
		return token{}, i.vanish()
	case suspended(err):
		return token{}, i.deny(i.suspended())
	case err != nil:
		return token{}, err
	}
	var made struct {
		Token     secret.Text `json:"token"`
		ExpiresAt time.Time   `json:"expires_at"`
	}
	if err := a.decode(&made); err != nil {
		return token{}, err
	}
	if !made.Token.Given() {
		return token{}, &DownError{fmt.Errorf("its answer for %s holds no token", i.now())}
	}
	return token{made.Token, made.ExpiresAt, scope.Permissions, time.Now()}, nil
}

// try makes one request with a token that is to be given away, again while it may be too young for GitHub to know it: who
// gets it knows nothing of that. That GitHub does not answer at all is no reason to keep it.
func (i *installation) try(ctx context.Context, t token, path string) error {
	for n := 0; ; n++ {
		_, err := i.line.do(ctx, call{method: http.MethodGet, path: path, token: t.secret, class: ordinary})
		status, message := answered(err)
		switch {
		case status != http.StatusUnauthorized && !unknown(status, message):
			return nil
		case !i.app.lag.again(ctx, t.made, n):
			return i.unfit(message)
		}
	}
}

// unfit is what is wrong when GitHub does not take a token that it made.
func (i *installation) unfit(message string) error {
	return &SetupError{
		fmt.Sprintf("GitHub refuses even a fresh token of %s (%s)", i.now(), message),
		"see the installation's settings page, " + i.now().HTMLURL,
	}
}
