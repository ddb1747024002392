module shipway.example/pod

go 1.24
