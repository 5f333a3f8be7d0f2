/* The few MPI calls that meltcore makes, under names and types that are the same for all MPI libraries: Rust needs no bindings to them. */
#include <mpi.h>

/* Joins the others; says which of how many this is, and which of how many on this computer. */
int melt_mpi_start(int *rank, int *ranks, int *local, int *locals) {
  int provided = 0;
  MPI_Comm node;
  return MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) || MPI_Comm_rank(MPI_COMM_WORLD, rank) ||
         MPI_Comm_size(MPI_COMM_WORLD, ranks) ||
         MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node) || MPI_Comm_rank(node, local) ||
         MPI_Comm_size(node, locals) || MPI_Comm_free(&node);
}

/* Sends bytes to one rank while others come from one. */
int melt_mpi_swap(const void *out, int out_bytes, int to, void *in, int in_bytes, int from) {
  return MPI_Sendrecv(out, out_bytes, MPI_BYTE, to, 7, in, in_bytes, MPI_BYTE, from, 7, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* Ends all ranks with this exit status. */
void melt_mpi_abort(int status) { MPI_Abort(MPI_COMM_WORLD, status); }

/* Leaves, once all do. */
int melt_mpi_end(void) { return MPI_Finalize(); }
