"""Published facts the log's tests are measured against.

Leaves and roots: transparency-dev/merkle, testonly/constants.go. Note: C2SP signed-note. The
checkpoint was made once from fixed Ed25519 seeds and checked by two independent programs.
"""

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]

ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]

NOTE_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n"
    "\n"
    "\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

ORIGIN = "us.exchange.example/audit"
LOG_VKEY = "us.exchange.example/audit+d2afadcb+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
UK_VKEY = "uk.exchange.example/witness+c3dcc302+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"
CA_VKEY = "ca.exchange.example/witness+9e36d1fc+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR"
COSIGNED_AT = 1767225600
CHECKPOINT = (
    "us.exchange.example/audit\n"
    "8\n"
    "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"
    "\n"
    "\u2014 us.exchange.example/audit "
    "0q+ty+7MOomoCOfQBAvPNSrS2g0D4ohlVXicVOkJ4phWOVFVX4kkg36YS+rv36RK+KpZHZtZuKR69jvdT/yEfBuqpg8=\n"
    "\u2014 uk.exchange.example/witness "
    "w9zDAgAAAABpVbkAI2pxSjLAHHRRBjYQeYu4PCuXGCqBoctcvqN33DL2H0DsRtyr4AG9HRLsGV879srlBtmFgY3mWcMilYVJd4WaDA==\n"
    "\u2014 ca.exchange.example/witness "
    "njbR/AAAAABpVbkAvUmThWLEVNuk5m+PEW/hfwkwFJUqJYo3DjrmjUpjl3yr1WTsyr8ne0iZ9q8+TY2flyDT1mQrmQgUuIjtD40kCQ==\n"
).encode()

CONSISTENCY_5_8 = (
    "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=",
    "QnGia+DYqE8L1UyMMC58s6O10fpngKQLzOKHNHfatlg=",
    "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
    "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
)

PQ_NAME = "uk.exchange.example/witness-pq"
PQ_KEY_ID = "2101a627"
PQ_PUBLIC_SHA256 = "d7e152ccde2ca935ab4a86b70dcf9f0a3a898bbe4892f99b19a4e850f7c716dd"
PQ_MESSAGE = bytes.fromhex(
    "737562747265652f76310a001e756b2e65786368616e67652e6578616d706c652f7769746e6573732d7071"
    "000000006955b9001975732e65786368616e67652e6578616d706c652f6175646974"
    "00000000000000000000000000000008"
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
)
