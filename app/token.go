package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// spare is how long before its end a token is replaced, so that what begins with it can also finish.
const spare = 5 * time.Minute

// token is an installation token, with what it may do.
type token struct {
	secret      string
	expires     time.Time // by GitHub's clock
	permissions map[string]string
}

// tokenRequest is the body that asks for one. https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
type tokenRequest struct {
	Permissions   map[string]string `json:"permissions"`
	RepositoryIDs []int64           `json:"repository_ids,omitempty"`
}

// current is the shared token, or "" when it must be replaced: soon over, or not of the permissions that are granted now.
func (i *installation) current() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.token.secret == "" || !i.app.clock.now().Before(i.token.expires.Add(-spare)) || !maps.Equal(i.token.permissions, i.usable()) {
		return ""
	}
	return i.token.secret
}

// drop forgets the shared token if it is still this one.
func (i *installation) drop(secret string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.token.secret == secret {
		i.token = token{}
	}
}

// secret returns the shared token, made if need be by one caller for all.
func (i *installation) secret(ctx context.Context) (string, error) {
	if err := i.denied.standing(); err != nil {
		return "", err
	}
	if s := i.current(); s != "" {
		return s, nil
	}
	if err := i.refreshing.lock(ctx); err != nil {
		return "", err
	}
	defer i.refreshing.unlock()
	if err := i.denied.standing(); err != nil {
		return "", err
	}
	if s := i.current(); s != "" {
		return s, nil
	}
	t, err := i.issue(ctx)
	if err != nil {
		return "", err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.token = t
	return t.secret, nil
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
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	if err := a.decode(&made); err != nil {
		return token{}, err
	}
	if made.Token == "" {
		return token{}, &DownError{fmt.Errorf("its answer for %s holds no token", i.now())}
	}
	return token{made.Token, made.ExpiresAt, scope.Permissions}, nil
}
