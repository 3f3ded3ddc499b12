"""What officers work on: packages, proposals, designations, requests, subjects, tasks, people."""
