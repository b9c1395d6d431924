package apptest

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

// Auth is how a request proved who it is.
type Auth string

// The ways to prove it. Refused stands for credentials that GitHub does not take.
const (
	Anonymous      Auth = "anonymous"
	AsApp          Auth = "app"
	AsInstallation Auth = "installation"
	AsUser         Auth = "user"
	AsClient       Auth = "client" // of an App, by its secret
	Refused        Auth = "refused"
)

// The times of an App's JWT. https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
const (
	jwtLifetime  = 10 * time.Minute
	jwtTolerance = 60 * time.Second
)

type identity struct {
	kind    Auth
	app     *App   // AsApp
	token   *token // AsInstallation
	user    *userToken
	secret  string  // as sent
	refusal *answer // Refused
}

func (who identity) id() int64 {
	switch who.kind {
	case AsApp:
		return who.app.ID
	case AsInstallation:
		return who.token.installation.ID
	case AsUser:
		return who.user.user.ID
	case AsClient:
		return who.app.ID
	}
	return 0
}

// identify looks at the Authorization header: bearer or token for REST, the password of basic authentication for git.
func (g *GitHub) identify(r *http.Request) identity {
	header := r.Header.Get("Authorization")
	if header == "" {
		return identity{kind: Anonymous}
	}
	scheme, secret, _ := strings.Cut(header, " ")
	switch strings.ToLower(scheme) {
	case "bearer", "token":
	case "basic":
		if app := g.clientOf(r); app != nil {
			return identity{kind: AsClient, app: app}
		}
		_, secret, _ = r.BasicAuth()
	default:
		secret = ""
	}
	if t := g.userTokens[secret]; t != nil && g.Now().Before(t.expires) {
		return identity{kind: AsUser, user: t, secret: secret}
	}
	if strings.HasPrefix(secret, tokenPrefix) || strings.Count(secret, ".") != 2 {
		t := g.tokens[secret]
		if t == nil || t.revoked || t.installation.removed || !g.Now().Before(t.expires) || g.age().Before(t.made.Add(g.options.Lag.Token)) {
			return identity{kind: Refused, secret: secret, refusal: refuse(http.StatusUnauthorized, "Bad credentials")}
		}
		return identity{kind: AsInstallation, token: t, secret: secret}
	}
	app, refusal := g.verifyJWT(secret)
	if refusal != nil {
		return identity{kind: Refused, secret: secret, refusal: refusal}
	}
	return identity{kind: AsApp, app: app, secret: secret}
}

// verifyJWT refuses, in GitHub's words, whatever an App signed wrongly.
func (g *GitHub) verifyJWT(raw string) (*App, *answer) {
	errUnknown := errors.New("no such App")
	var app *App
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation(), jwt.WithJSONNumber())
	parsed, err := parser.Parse(raw, func(t *jwt.Token) (any, error) {
		if app = g.appOf(t.Claims.(jwt.MapClaims)["iss"]); app == nil {
			return nil, errUnknown
		}
		return app.key.Public().(*rsa.PublicKey), nil
	})
	if app == nil && errors.Is(err, errUnknown) {
		return nil, refuse(http.StatusNotFound, "Integration not found")
	}
	if err != nil {
		return nil, refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
	}
	now, claims := g.Now(), parsed.Claims.(jwt.MapClaims)
	exp, ok := seconds(claims["exp"])
	if !ok || !exp.After(now) {
		return nil, refuse(http.StatusUnauthorized, "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
	}
	if exp.After(now.Add(jwtLifetime)) {
		return nil, refuse(http.StatusUnauthorized, "'Expiration time' claim ('exp') is too far in the future")
	}
	if iat, ok := seconds(claims["iat"]); !ok || iat.After(now.Add(jwtTolerance)) {
		return nil, refuse(http.StatusUnauthorized, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	}
	return app, nil
}

// appOf finds the App by the iss claim: its ID, as number or string, or its client ID.
func (g *GitHub) appOf(iss any) *App {
	var name string
	switch v := iss.(type) {
	case string:
		name = v
	case json.Number:
		name = v.String()
	}
	for _, app := range g.apps {
		if !app.deleted && (name == strconv.FormatInt(app.ID, 10) || name == app.ClientID) {
			return app
		}
	}
	return nil
}

// seconds refuses fractions, as GitHub does.
func seconds(claim any) (time.Time, bool) {
	n, ok := claim.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	s, err := n.Int64()
	return time.Unix(s, 0), err == nil
}
