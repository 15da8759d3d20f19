"""What of MASAM's installation works on this machine: one file for each thing that is looked at."""
