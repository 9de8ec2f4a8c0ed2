/* google.cc - Google Benchmark behind harness/google.h.
 *
 * Each call registers one benchmark, runs it and forgets it. Setup is done before, so that a state
 * outlives calibration; Google Benchmark's own Setup functions take no argument and run again for
 * every calibration step.
 */
#include "harness/google.h"

#include <atomic>
#include <vector>

#include <benchmark/benchmark.h>

namespace
{

/* Keeps the last run instead of printing it. */
class Capture : public benchmark::BenchmarkReporter
{
  public:
    bool ReportContext(const Context &) override
    {
        return true;
    }

    void ReportRuns(const std::vector<Run> &runs) override
    {
        for (const Run &run : runs) {
            if (run.run_type != Run::RT_Iteration || run.error_occurred)
                continue;
            result.iterations = static_cast<uint64_t>(run.iterations);
            result.real_seconds = run.real_accumulated_time;
            result.cpu_seconds = run.cpu_accumulated_time;
            valid = true;
        }
    }

    google_result result = {};
    bool valid = false;
};

} /* namespace */

bool google_run(const char *name, unsigned threads, uint64_t iterations_each, double min_seconds,
                google_body body, void *argument, google_result *result)
{
    Capture capture;
    std::atomic<uint64_t> started{0};

    benchmark::ClearRegisteredBenchmarks();
    auto *registered = benchmark::RegisterBenchmark(name, [&](benchmark::State &state) {
        body(argument, &state, static_cast<unsigned>(state.thread_index()));
        started += static_cast<uint64_t>(state.iterations());
    });
    registered->Threads(static_cast<int>(threads))->UseRealTime()->Repetitions(1);
    if (iterations_each != 0)
        registered->Iterations(static_cast<benchmark::IterationCount>(iterations_each));
    else
        registered->MinTime(min_seconds);
    benchmark::RunSpecifiedBenchmarks(&capture, ".");
    benchmark::ClearRegisteredBenchmarks();

    *result = capture.result;
    result->iterations_started = started;
    return capture.valid && capture.result.iterations >= threads;
}

bool google_keep_running(void *state, unsigned batch)
{
    return static_cast<benchmark::State *>(state)->KeepRunningBatch(batch);
}
