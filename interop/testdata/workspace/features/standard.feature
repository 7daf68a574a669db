Feature: Standard access tokens

  A provider as RFC 6749 and RFC 6750 have it: client credentials by Basic,
  form-encoded first, scopes joined by blanks, opaque bearer tokens.

  @health
  Scenario: Valid credentials receive a token
    Given valid Standard credentials
    When I request an access token
    Then the response status is 200
    And the response header "Content-Type" is "application/json"
    And the response header "Cache-Control" is "no-store"
    And the response body has:
      | access_token  | a non-empty string |
      | token_type    | "Bearer"           |
      | expires_in    | 600                |
      | scope         | "api:read"         |
      | refresh_token | absent             |
    And the access token is an opaque string
    And the access token lives for 10 minutes

  Scenario: The client authenticates by Basic, form-encoded first
    Given valid Standard credentials
    When I request an access token for the scope "api:read"
    Then the request carried:
      | method               | "POST"                             |
      | header Authorization | its form-encoded Basic credentials |
      | form grant_type      | "client_credentials"               |
      | form scope           | "api:read"                         |
      | form client_id       | absent                             |
      | form client_secret   | absent                             |
    And an access token is issued

  Scenario: Several scopes are granted together
    Given valid Standard credentials
    When I request an access token for the scopes "api:read" and "api:write"
    Then an access token is issued
    And the granted scopes are "api:read" and "api:write"

  Scenario: A scope that the client may not have is refused
    Given valid Standard credentials
    When I request an access token for the scopes "api:read" and "api:admin"
    Then the response status is 400
    And the error is "invalid_scope"
    And no access token is issued

  @strict
  Scenario: A scope that nobody knows is refused
    RFC 6749, section 5.2. oidc-provider leaves such a scope out instead
    (section 3.3 allows that), and issues a token.

    Given valid Standard credentials
    When I request an access token with scope "nonsense"
    Then the response status is 400
    And the error is "invalid_scope"
    And no access token is issued

  Scenario: A wrong client secret is refused
    Given Standard credentials with a wrong client secret
    When I request an access token
    Then the response status is 401
    And the challenge is "Basic"
    And the error is "invalid_client"
    And no access token is issued

  Scenario: An unknown client is refused
    Given Standard credentials with an unknown client ID
    When I request an access token
    Then the response status is 401
    And the error is "invalid_client"

  Scenario: A request without credentials receives no token
    Given no Standard credentials
    When I request an access token
    Then no access token is issued

  Scenario: Another grant type is refused
    Given valid Standard credentials
    When I request an access token with grant type "urn:authspec:unsupported"
    Then the response status is 400
    And the error is "unsupported_grant_type"

  Scenario: A request without a grant type is refused
    Given valid Standard credentials
    When I request an access token without "grant_type"
    Then the response status is 400
    And the error is "invalid_request"

  @calls
  Scenario: A token opens the profile
    Given valid Standard credentials
    When I call "profile"
    Then the response status is 200
    And the response body has:
      | scope | "api:read" |

  @calls
  Scenario: A call carries the token as a bearer token
    Given valid Standard credentials
    When I call "profile"
    Then the request carried:
      | header Authorization | its access token |

  @calls
  Scenario: A valid token serves many calls
    Given a valid Standard access token
    When I call "profile" 3 times
    Then the response status is 200

  Scenario: Three calls need one token
    Given valid Standard credentials
    When I call "profile" 3 times
    Then the response status is 200
    And 1 access token was requested

  @calls
  Scenario: A token without the scope is refused
    Given valid Standard credentials
    When I call "orders"
    Then the response status is 403
    And the challenge is "Bearer"
    And the error is "insufficient_scope"

  Scenario: A call without a token is refused
    Given no Standard access token
    When I call "profile"
    Then the response status is 401
    And the challenge is "Bearer"

  Scenario: An unknown token is refused
    Given an unknown Standard access token
    When I call "profile"
    Then the response status is 401
    And the error is "invalid_token"

  Scenario: A malformed token is refused
    Given a malformed Standard access token
    When I call "profile"
    Then the response status is 401

  Scenario: An expired token is refused
    Given an expired Standard access token
    When I call "profile"
    Then the response status is 401

  Scenario: After its time a token is replaced by a new one
    Given valid Standard credentials
    And an access token that has since expired
    When I call "profile"
    Then the response status is 200
    And 2 access tokens were requested
