Feature: Antsomi access tokens

  Antsomi issues access tokens by the OAuth 2.0 client credentials grant
  (RFC 6749, section 4.4). What to know before writing a client:

  - Client ID and client secret travel in the form body, not in a header.
  - A scope is required. Several scopes are joined by commas, where the RFC
    has blanks: "item,event".
  - The response has Antsomi's own names: accessToken, and
    accessTokenExpiresAt, an absolute date-time instead of a number of seconds.
    It has no token type; generic OAuth clients cannot read it.
  - Errors are 400, with the OAuth error code under "name".

  Documentation: https://docs.antsomi.com/api-guide/authentication

  @health
  Scenario: Valid credentials receive a token for the scope they ask for
    Given valid Antsomi credentials
    When I request an access token for the scope "item"
    Then the response status is 200
    And the response header "Content-Type" is "application/json"
    And the response body has:
      | accessToken          | a non-empty string        |
      | accessTokenExpiresAt | a date-time in the future |
      | scope                | "item"                    |
    And an access token is issued
    And the access token is an opaque string

  Scenario: The token request is a form with the client's credentials in its body
    Given valid Antsomi credentials
    When I request an access token for the scopes "item" and "event"
    Then the request carried:
      | method               | "POST"                              |
      | header Content-Type  | "application/x-www-form-urlencoded" |
      | header Accept        | "application/json"                  |
      | header Authorization | absent                              |
      | form grant_type      | "client_credentials"                |
      | form client_id       | its client_id                       |
      | form client_secret   | its client_secret                   |
      | form scope           | "item,event"                        |

  Scenario: Several scopes are granted together
    Given valid Antsomi credentials
    When I request an access token for the scopes "item", "event", "profile" and "promotion"
    Then an access token is issued
    And the granted scopes are "item", "event", "profile" and "promotion"
    And the response body matches the schema "token"

  Scenario Outline: The documented scope <scope> can be requested: <grants>
    Given valid Antsomi credentials
    When I request an access token for the scope "<scope>"
    Then an access token is issued
    And the granted scope is "<scope>"

    Examples:
      | scope     | grants         |
      | event     | event data     |
      | profile   | customer data  |
      | promotion | promotion data |

  Scenario: The expiry lies ahead
    Antsomi documents no lifetime, only the date-time at which a token expires.

    Given valid Antsomi credentials
    When I request an access token
    Then the access token lives for at least 1 minute

  Scenario: An unknown scope is refused
    Given valid Antsomi credentials
    When I request an access token with scope "nonsense"
    Then the response status is 400
    And the error is "invalid_scope"
    And the response body has:
      | statusCode | 400                                         |
      | status     | 400                                         |
      | code       | 400                                         |
      | message    | "Invalid scope: Requested scope is invalid" |
      | name       | "invalid_scope"                             |
    And no access token is issued

  Scenario: One unknown scope among known ones is refused
    Given valid Antsomi credentials
    When I request an access token for the scopes "item" and "nonsense"
    Then the response status is 400
    And the error is "invalid_scope"
    And no access token is issued

  Scenario: Scopes joined by a blank are one unknown scope
    This is what a client that follows the RFC to the letter sends.

    Given valid Antsomi credentials
    When I request an access token with scope "item event"
    Then the response status is 400
    And the error is "invalid_scope"
    And no access token is issued

  Scenario: A request without a scope is refused
    Given valid Antsomi credentials
    When I request an access token without "scope"
    Then the response status is 400
    And the error is "invalid_scope"
    And no access token is issued

  Scenario: A wrong client secret is refused
    Given Antsomi credentials with a wrong client secret
    When I request an access token
    Then the response status is 400
    And the error is "invalid_client"
    And no access token is issued

  Scenario: An unknown client is refused
    Given Antsomi credentials with an unknown client ID
    When I request an access token
    Then the response status is 400
    And the error is "invalid_client"
    And no access token is issued

  Scenario: A client without its secret is refused
    Given Antsomi credentials with no client secret
    When I request an access token
    Then the response status is 400
    And the error is "invalid_client"
    And no access token is issued

  Scenario: A request without credentials is refused
    Given no Antsomi credentials
    When I request an access token
    Then the response status is 400
    And the error is "invalid_client"
    And no access token is issued

  Scenario: Another grant type is refused
    Given valid Antsomi credentials
    When I request an access token with grant type "urn:authspec:unsupported"
    Then the response status is 400
    And the error is "unsupported_grant_type"
    And no access token is issued

  Scenario: A request without a grant type is refused
    Given valid Antsomi credentials
    When I request an access token without "grant_type"
    Then the response status is 400
    And the error is "invalid_request"
    And the response body matches the schema "error"
    And no access token is issued
