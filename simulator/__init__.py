"""The local vendors: Salesforce, Jira and Smartsheet over HTTP on localhost, as strict and as moody as the real ones.

Used by the demo, by our tests, by users' own CI and by any other program that speaks HTTP.
It imports nothing of Closedwon's other packages, and it never becomes lenient so that a client's test passes.
"""
