Feature: Acme access tokens

  Scenario: Valid credentials receive a token
    Given valid Acme credentials
    When I request an access token
    Then the response status is 200
    And the response body has:
      | token_type | "Bearer" |

  Scenario: A wrong secret is refused
    Given Acme credentials with a wrong client secret
    When I request an access token
    Then the response status is 401
    And the error is "invalid_client"

  Scenario: An unknown scope is refused
    Given valid Acme credentials
    When I request an access token with scope "nonsense"
    Then the response status is 400
    And the error is "invalid_scope"

  Scenario: A request without a scope is refused
    Given valid Acme credentials
    When I request an access token without "scope"
    Then the response status is 400
    And the error is "invalid_scope"

  Scenario: Another grant type is refused
    Given valid Acme credentials
    When I request an access token with grant type "urn:authspec:unsupported"
    Then the response status is 400
    And the error is "unsupported_grant_type"

  Scenario: A token opens the items
    Given valid Acme credentials
    When I call "items"
    Then the response status is 200
    And the response body has:
      | items.0.state | one of "open", "closed" |
      | scope         | "all"                   |

  Scenario: A call without a token is refused
    Given no Acme access token
    When I call "items"
    Then the response status is 401

  Scenario: An unknown token is refused
    Given an unknown Acme access token
    When I call "items"
    Then the response status is 401
