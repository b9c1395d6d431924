package page_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// visitors are those who come: nobody known, a user who sees nothing, one who may read, one who may push, the local user.
const visitors = "nobody stranger reader writer local"

// rights is what each route answers to each of them, about a task on a private repository (shop), about one that is
// nowhere on GitHub (blog), and about a run that runs no more.
const rights = `
GET /                                       303 200 200 200 200
GET /task?name=acme%2Fshop                  303 404 200 200 200
GET /task?name=blog                         303 404 404 404 200
GET /runs                                   303 200 200 200 200
GET /runs?task=blog                         303 200 200 200 200
GET /runs/shop1                             303 404 200 200 200
GET /runs/blog1                             303 404 404 404 200
GET /runs/shop1/live                        401 404 200 200 200
GET /runs/blog1/live                        401 404 404 404 200
GET /runs/shop1/log.txt                     303 404 200 200 200
GET /runs/blog1/log.txt                     303 404 404 404 200
GET /fleet                                  303 404 404 404 200
GET /login                                  200 200 200 200 200
GET /login/github                           303 303 303 303 303
GET /login/callback                         403 403 403 403 403
GET /style.css                              200 200 200 200 200
GET /page.js                                200 200 200 200 200
GET /icon.svg                               200 200 200 200 200
POST /orders?task=acme/shop&order=pause     401 404 403 303 303
POST /orders?task=acme/shop&order=poll      401 404 403 303 303
POST /orders?task=blog&order=pause          401 404 404 404 303
POST /runs/shop1/cancel                     401 404 403 303 303
POST /runs/blog1/cancel                     401 404 404 404 303
POST /runs/blog1/remove                     401 404 404 404 303
POST /runs/shop1/remove                     401 404 403 303 303
POST /login                                 403 403 403 403 403
GET /api/v1/tasks                           401 200 200 200 200
GET /api/v1/tasks/acme%2Fshop               401 404 200 200 200
GET /api/v1/tasks/blog                      401 404 404 404 200
POST /api/v1/tasks/acme%2Fshop/poll         401 404 403 202 202
POST /api/v1/tasks/acme%2Fshop/pause        401 404 403 202 202
POST /api/v1/tasks/acme%2Fshop/resume       401 404 403 409 409
POST /api/v1/tasks/acme%2Fshop/again        401 404 403 202 202
POST /api/v1/tasks/acme%2Fshop/rollback     401 404 403 202 202
POST /api/v1/tasks/acme%2Fshop/pin          401 404 403 400 400
POST /api/v1/tasks/acme%2Fshop/unpin        401 404 403 202 202
POST /api/v1/tasks/acme%2Fshop/approve      401 404 403 202 202
POST /api/v1/tasks/blog/pause               401 404 404 404 202
GET /api/v1/runs                            401 200 200 200 200
GET /api/v1/runs?before=blog1               401 404 404 404 200
GET /api/v1/runs/shop2                      401 404 200 200 200
GET /api/v1/runs/blog2                      401 404 404 404 200
DELETE /api/v1/runs/shop2                   401 404 403 200 200
DELETE /api/v1/runs/blog2                   401 404 404 404 200
POST /api/v1/runs/shop2/cancel              401 404 403 202 202
POST /api/v1/runs/blog2/cancel              401 404 404 404 202
GET /api/v1/runs/shop3/log                  401 404 200 200 200
GET /api/v1/runs/blog3/log                  401 404 404 404 200
GET /api/v1/members                         401 404 404 404 200
GET /api/v1/notified                        401 404 404 404 200
POST /api/v1/page/login                     401 404 404 404 404
DELETE /api/v1/page/sessions                401 404 404 404 404
POST /logout                                303 303 303 303 303
`

func TestEveryRouteAsksWhoComes(t *testing.T) {
	t.Parallel()
	names := strings.Fields(visitors)
	var lines [][]string
	for line := range strings.Lines(strings.TrimSpace(rights)) {
		lines = append(lines, strings.Fields(line))
	}
	for i, who := range names {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			h := openHub(t, nil)
			for _, run := range []string{"1", "2", "3"} {
				h.ran("shop"+run, "acme/shop", "what shop printed\n")
				h.ran("blog"+run, "blog", "what blog printed\n")
			}
			visitor := h.as(who)
			for _, line := range lines {
				b := &browser{h.scene, h.host, maps.Clone(visitor.cookies)}
				path, query, _ := strings.Cut(line[1], "?")
				var form url.Values
				if line[0] == http.MethodPost && !strings.HasPrefix(path, "/api/") {
					form, _ = url.ParseQuery(query)
				} else if query != "" {
					path += "?" + query
				}
				a := b.send(line[0], "/agent"+path, form, "Sec-Fetch-Site", "same-origin")
				if strconv.Itoa(a.status) != line[2+i] {
					t.Errorf("%s %s: %d, not %s: %.300s", line[0], line[1], a.status, line[2+i], a.body)
				}
				if a.header.Get("Content-Security-Policy") == "" {
					t.Errorf("%s %s: no policy", line[0], line[1])
				}
				if who != "local" && strings.Contains(a.body, "what blog printed") || who == "stranger" && strings.Contains(a.body, "github.com/acme/shop") {
					t.Errorf("%s %s: %s", line[0], line[1], a.body)
				}
			}
		})
	}
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		routes := open(t, nil).server.Routes()
		doc, err := openapi3.NewLoader().LoadFromFile("../../docs/openapi.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for path, item := range doc.Paths.Map() {
			for method := range item.Operations() {
				routes = append(routes, method+" /api/v1"+path)
			}
		}
		for _, route := range routes {
			if route == "GET /api/v1/events" { // TestEventsAreForWhoMaySee
				continue
			}
			method, pattern, _ := strings.Cut(route, " ")
			if !slices.ContainsFunc(lines, func(line []string) bool { return line[0] == method && fits(pattern, line[1]) }) {
				t.Errorf("nothing is said about %s", route)
			}
		}
	})
}

// fits tells whether an address is one of a route's.
func fits(pattern, address string) bool {
	address, _, _ = strings.Cut(address, "?")
	want, got := strings.Split(pattern, "/"), strings.Split(address, "/")
	return slices.EqualFunc(want, got, func(want, got string) bool {
		return want == got || strings.HasPrefix(want, ":") || strings.HasPrefix(want, "{")
	})
}
