"""From a checkout to what CloudFormation deploys: staged code, layers, one template, sizes within Lambda's limit."""
