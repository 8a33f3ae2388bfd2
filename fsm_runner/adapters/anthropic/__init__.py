"""The adapter to the anthropic SDK, of which it uses only the public API.

json_values    the entrance: every value that enters a run is checked here once, and becomes JSON data
plain          the SDK's messages and errors as plain JSON data, for the loop and the journal
requests       the machine's orders as requests, and responses as the SDK's own messages
short_way      the client for a request that can do without the SDK's own reading of the reply
encoded        the messages of a run, each encoded once
reply_reading  reads a reply in one pass
streams        live streams that report to the machine what is read from them
tool_box       the caller's tools and their definitions
calls          runs one tool call, and makes the result that the API takes
"""
