"""The REST API, as Orthanc answers it: request -> archive call -> answer. No rules of its own."""
