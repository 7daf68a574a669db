package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/cucumber/godog"
	"github.com/tidwall/gjson"
)

func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
}

// post sends one token request and reads the answer.
func post(ctx context.Context, client *http.Client, base, form string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/oauth/token", strings.NewReader(form))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// bareClient sends the requests, and looks at nothing but their status.
func bareClient(base string, n, concurrency int) error {
	client := newClient()
	var (
		wg     sync.WaitGroup
		failed = make(chan error, concurrency)
		next   = make(chan int)
	)
	for range concurrency {
		wg.Go(func() {
			for i := range next {
				status, _, err := post(context.Background(), client, base, form(i))
				if want := 200 + i%2*200; err == nil && status != want {
					err = fmt.Errorf("request %d: status %d, want %d", i, status, want)
				}
				if err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// bareGodog runs the same feature with steps that do no more than they must:
// no provider file, no redaction, no report.
func bareGodog(base string, n, concurrency int) error {
	client := newClient()
	type state struct {
		status int
		body   []byte
	}
	type key struct{}
	of := func(ctx context.Context) *state { return ctx.Value(key{}).(*state) }
	var (
		credentials = regexp.MustCompile(`^valid Bench credentials$`)
		request     = regexp.MustCompile(`^I request an access token with scope "([^"]*)"$`)
		status      = regexp.MustCompile(`^the response status is (\d{3})$`)
		body        = regexp.MustCompile(`^the response body has:$`)
		code        = regexp.MustCompile(`^the error is "([^"]+)"$`)
	)
	suite := godog.TestSuite{
		Name: "bare",
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			sc.Before(func(ctx context.Context, _ *godog.Scenario) (context.Context, error) {
				return context.WithValue(ctx, key{}, &state{}), nil
			})
			sc.Given(credentials, func() error { return nil })
			sc.When(request, func(ctx context.Context, scope string) (err error) {
				s, i := of(ctx), 0
				if scope == "nonsense" {
					i = 1
				}
				s.status, s.body, err = post(ctx, client, base, form(i))
				return err
			})
			sc.Then(status, func(ctx context.Context, want string) error {
				if got := fmt.Sprint(of(ctx).status); got != want {
					return fmt.Errorf("status %s, want %s", got, want)
				}
				return nil
			})
			sc.Then(body, func(ctx context.Context, table *godog.Table) error {
				for _, row := range table.Rows {
					got, want := gjson.GetBytes(of(ctx).body, row.Cells[0].Value), row.Cells[1].Value
					if got.Raw != want && (want != "a non-empty string" || got.Str == "") {
						return fmt.Errorf("%s: want %s, got %s", row.Cells[0].Value, want, got.Raw)
					}
				}
				return nil
			})
			sc.Then(code, func(ctx context.Context, want string) error {
				if got := gjson.GetBytes(of(ctx).body, "error").Str; got != want {
					return fmt.Errorf("error %s, want %s", got, want)
				}
				return nil
			})
		},
		Options: &godog.Options{
			Format: "progress", Output: &bytes.Buffer{}, NoColors: true, Strict: true, Concurrency: concurrency,
			FeatureContents: []godog.Feature{{Name: "features/bench.feature", Contents: []byte(feature(n))}},
		},
	}
	if suite.Run() != 0 {
		return errors.New("bare godog: a scenario failed")
	}
	return nil
}
