"""boto3's managed transfer with its own defaults. Prints the seconds of the upload alone, without the import."""
import json
import resource
import sys
import time

import boto3


def main():
    asked = json.loads(sys.argv[1])
    client = boto3.client("s3", endpoint_url=asked["endpoint"], region_name="us-east-1")
    client.head_bucket(Bucket=asked["bucket"])
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    client.upload_file(asked["file"], asked["bucket"], asked["key"])
    seconds = time.perf_counter() - begun
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base
    print(json.dumps({"seconds": seconds, "grownBytes": grown * 1024}))


main()
